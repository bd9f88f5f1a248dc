/** Turns changes of who may do what into the values of their statements; see statements.ts. */
import type { AccessRow } from '../actors/ports.js';
import type { EncodedRow } from './encoded-turn.js';
import { AUDIT, TASK_LINK, TOKEN } from './rows.js';

export function encodeAccessRow(row: AccessRow): EncodedRow {
  switch (row.type) {
    case 'token.put':
      return { name: row.type, values: TOKEN.toRow(row.record) };
    case 'token.revoke':
    case 'token.used':
      return { name: row.type, values: [row.id, row.at] };
    case 'audit.put':
      return { name: row.type, values: AUDIT.toRow(row.record) };
    case 'task-link.put':
      return { name: row.type, values: TASK_LINK.toRow(row.record) };
    case 'audit.trim':
      return { name: row.type, values: [row.tenant, row.id] };
    case 'audit.expire':
      return { name: row.type, values: [row.id] };
    case 'task-link.sweep':
      return { name: row.type, values: [row.before] };
  }
}
