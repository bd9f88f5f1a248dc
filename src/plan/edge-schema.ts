/** The shape of an edge, as an author writes it. */
import { z } from 'zod';
import { expression, id, MAX_EXPRESSION_LENGTH, shortText } from './schema-parts.js';

const MAX_PATH_LENGTH = 1_024;

/** Target of an edge that ends a loop when it is taken. */
export const BREAK = '$break';

export const planEdgeSchema = z
  .strictObject({
    id: id.optional(),
    source: id,
    target: z
      .union([id, z.literal(BREAK)])
      .meta({ description: 'A node; in the body of a loop also $break' }),
    when: z
      .string()
      .max(MAX_EXPRESSION_LENGTH)
      .optional()
      .meta({ description: 'Condition; empty or `always` is true' }),
    on: shortText
      .optional()
      .meta({ description: 'Action that the result of the source must name' }),
    default: z
      .boolean()
      .optional()
      .meta({ default: false, description: 'Taken only where no other edge of the source is' }),
    onError: z
      .enum(['fail', 'dead'])
      .optional()
      .meta({ default: 'fail', description: 'Outcome of an error in the condition' }),
    transform: expression
      .optional()
      .meta({ description: 'Makes what the edge carries from the output of its source' }),
    map: z
      .record(z.string().min(1).max(MAX_PATH_LENGTH), z.string().min(1).max(MAX_PATH_LENGTH))
      .optional()
      .meta({ description: 'Target path from source path' }),
  })
  .meta({ title: 'Edge' });

/** An edge, as an author writes it. */
export type PlanEdge = z.infer<typeof planEdgeSchema>;
export const EDGE_PROPERTIES: ReadonlySet<string> = new Set(Object.keys(planEdgeSchema.shape));
