/** The rows of a database, for whoever shows runs. */
import type { RunRows } from '../storage/run-rows.js';
import { artifactRows } from './artifact-queries.js';
import { eventRows } from './event-queries.js';
import { LogQueries } from './log-queries.js';
import { nodeRunRows } from './node-run-queries.js';
import type { Reader } from './reader.js';
import { runListRows } from './run-list.js';
import { keysOfRun, rowsOfRun } from './run-tables.js';
import { turnsOfRun } from './run-turns.js';
import { SqliteRunStore } from './store.js';
import { SqliteStoredPlans } from './stored-plans.js';
import { taskRows } from './task-queries.js';
import { verifyRun } from './verify.js';

export function sqlRows(reader: Reader): RunRows {
  const store = new SqliteRunStore(reader);
  return {
    ...runListRows(reader),
    ...nodeRunRows(reader),
    ...eventRows(reader),
    ...taskRows(reader),
    ...artifactRows(reader),
    log: new LogQueries(reader),
    storedPlans: new SqliteStoredPlans(reader),
    loadPlan: (hash) => store.loadPlan(hash),
    findTask: (id) => store.findTask(id),
    rowsOf: (run, table) => rowsOfRun(reader, run, table),
    keysOf: (run, table, range, limit) => keysOfRun(reader, run, table, range, limit),
    turnsOf: (run, after) => turnsOfRun(reader, run, after),
    verifyChain: (run) => verifyRun(reader, run),
  };
}
