import { z } from '@hono/zod-openapi';
import type { BusEvent, BusGap, BusPage } from '../../delivery/event-bus.js';
import { count, jsonObject, objectOf, orNull, text, time } from './json.js';

const busEvent = objectOf<BusEvent>('BusEvent', {
  id: text.openapi({ description: '`run/seq`: unique over all runs' }),
  run: text,
  seq: count,
  type: text,
  node: text.nullable(),
  attempt: count.nullable(),
  at: time,
  detail: jsonObject,
  turn: count.openapi({ description: 'Number of the turn that decided it' }),
  position: text.openapi({ description: 'Where to go on behind it' }),
});

const busGap = objectOf<BusGap>('BusGap', { from: text, to: text });

export const busPage = objectOf<BusPage>('BusPage', {
  events: z.array(busEvent),
  position: text.openapi({ description: 'Where to go on, also where there are no events' }),
  gap: orNull(busGap),
});
