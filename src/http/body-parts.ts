/** Parts that the bodies of several routes have in common. */
import { z } from 'zod';
import { isJsonObject, type JsonObject } from '../plan/json.js';

export const jsonObject = z.custom<JsonObject>(isJsonObject, 'Expected an object');

/** One on offer, by its name, or as it is written. */
export const planOrName = z.union([z.string(), jsonObject], {
  error: 'Expected the name of a plan, or a plan',
});

export const emptyBody = z.strictObject({});
