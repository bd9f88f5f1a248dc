/** What the runs of an exported file are called here, and whether they are here already. */
import type { RunStore } from '../actors/ports.js';
import type { RunRecord, RunSettings } from '../actors/records.js';
import { localId, qualifyId, tenantOf } from '../actors/tenant.js';
import { RunchartError } from '../errors.js';
import type { JsonObject } from '../plan/json.js';
import type { HistoryRows } from '../storage/history-rows.js';
import type { CheckedExport, CheckedRun } from './check-export.js';
import { replay } from './replay.js';

export interface NamedOptions {
  readonly as?: string | undefined;
  readonly tenant?: string | undefined;
}

/** Ids here of the runs in the file. */
export class ImportNames {
  readonly #names: ReadonlyMap<string, string>;
  readonly isRenamed: boolean;

  /** With a tenant, all of them become runs of it, whatever the file says. */
  constructor({ runs }: CheckedExport, { as, tenant }: NamedOptions) {
    const kept = (run: string) => (tenant === undefined ? run : qualifyId(tenant, localId(run)));
    this.#names = new Map(
      runs.map(({ run }, place) => [
        run,
        as === undefined ? kept(run) : place === 0 ? as : `${as}.${place}`,
      ]),
    );
    this.isRenamed = [...this.#names].some(([there, here]) => there !== here);
  }

  of(id: string): string {
    return this.#names.get(id) ?? id;
  }

  /** Settings of a run: what names it by another one's id goes by the id of that one here. */
  settings(text: string | null): string | null {
    if (text === null || !this.isRenamed) return text;
    const settings = JSON.parse(text) as RunSettings;
    const { correlation } = settings;
    if (correlation === undefined) return text;
    return JSON.stringify({ ...settings, correlation: this.of(correlation) });
  }

  /** What a composite holds inside it: a scope, or the id of a run and its status. */
  inside(text: string | null): string | null {
    if (text === null || !this.isRenamed) return text;
    const [id = '', ...rest] = text.split(' ');
    return [this.of(id), ...rest].join(' ');
  }
}

/** Whether the run is here already. Throws `run-conflict` where another one has its id, or its tasks. */
export async function isHere(
  { rows, store }: { readonly rows: HistoryRows; readonly store: Pick<RunStore, 'findTask'> },
  { runs, tasks, sum }: CheckedExport,
  names: ImportNames,
): Promise<boolean> {
  const present: boolean[] = [];
  for (const one of runs) {
    const record = await rows.getRun(names.of(one.run));
    if (record !== undefined && !(await isSame(rows, record, one, sum))) {
      throw new RunchartError('run-conflict', `there is another run ${record.id}`, {
        hint: 'import it under another id: --as ID',
      });
    }
    present.push(record !== undefined);
  }
  if (present.every((isPresent) => isPresent)) return true;
  if (present.some((isPresent) => isPresent)) {
    const message = `runs of the file are here already, and ${names.of(runs[0]?.run ?? '')} is not`;
    throw new RunchartError('run-conflict', message, {
      hint: 'import it under another id: --as ID',
    });
  }
  for (const id of tasks) {
    const task = await store.findTask(id);
    if (task === undefined || (await rows.getHiddenRun(task.runId)) !== undefined) continue;
    const isTheirs = tenantOf(task.runId) !== tenantOf(names.of(runs[0]?.run ?? ''));
    const whose = isTheirs ? 'another run' : `run ${task.runId}`;
    throw new RunchartError('run-conflict', `task ${id} belongs to ${whose} here`, {
      hint: 'a run with tasks is there once in a database: import it into another one',
    });
  }
  return false;
}

async function isSame(
  rows: HistoryRows,
  record: RunRecord,
  one: CheckedRun,
  sum: string,
): Promise<boolean> {
  if (originOf(record)?.digest === sum) return true;
  if (record.startDigest !== one.record.startDigest || record.trimmedTo > 0) return false;
  const { hash, differences } = await replay(rows, record);
  return (
    hash === one.hash && differences?.length === 0 && record.outputJson === one.record.outputJson
  );
}

function originOf({ originJson }: RunRecord): JsonObject | undefined {
  return originJson === null ? undefined : (JSON.parse(originJson) as JsonObject);
}
