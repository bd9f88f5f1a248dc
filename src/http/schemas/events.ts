import { z } from '@hono/zod-openapi';
import type { BusEvent, BusGap, BusPage } from '../../delivery/event-bus.js';
import { count, objectOf, orNull, text } from './json.js';
import { eventMembers } from './runs.js';

const busEvent = objectOf<BusEvent>('BusEvent', {
  ...eventMembers,
  turn: count.openapi({
    description: 'Of the turn that decided it: the same for all that one message caused',
  }),
  position: text.openapi({ description: 'Where to go on behind it' }),
});

const busGap = objectOf<BusGap>('BusGap', { from: text, to: text });

export const busPage = objectOf<BusPage>('BusPage', {
  events: z.array(busEvent),
  position: text.openapi({ description: 'Where to go on, also where there are no events' }),
  gap: orNull(busGap),
});
