/** Turns changes of webhooks, lanes and dead letters into the values of their statements. */
import type { DeliveryRow } from '../actors/delivery-records.js';
import type { FreeRow } from '../actors/ports.js';
import type { EncodedRow } from './encoded-turn.js';
import { DEAD_LETTER, LANE, WEBHOOK } from './rows.js';

export function isDeliveryRow(row: FreeRow): row is DeliveryRow {
  return /^(?:webhook|lanes?|dead-letters?)\./.test(row.type);
}

export function encodeDeliveryRow(row: DeliveryRow): EncodedRow {
  switch (row.type) {
    case 'webhook.put':
      return { name: row.type, values: WEBHOOK.toRow(row.record) };
    case 'webhook.remove':
      return { name: row.type, values: [row.id] };
    case 'lane.put':
      return { name: row.type, values: LANE.toRow(row.record) };
    case 'lane.remove':
      return { name: row.type, values: [row.webhook, row.run] };
    case 'lanes.remove':
    case 'dead-letters.remove':
      return { name: row.type, values: [row.webhook] };
    case 'dead-letter.put':
      return { name: row.type, values: DEAD_LETTER.toRow(row.record) };
    case 'dead-letter.remove':
      return { name: row.type, values: [row.webhook, row.message] };
  }
}
