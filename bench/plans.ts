/** The plans that are measured: no-op actions, so that only the orchestrator costs. */
import { type Plan, plan } from '../dist/index.js';

export function chain(length: number): Plan {
  const nodes = Array.from(
    { length },
    (_, i) => ({ id: `n${i}`, kind: 'action', handler: 'noop' }) as const,
  );
  const edges = nodes.slice(1).map(({ id }, i) => ({ source: `n${i}`, target: id }));
  return { title: `chain of ${length}`, nodes: [...nodes], edges };
}

/** One node, then `width` nodes side by side. */
export function fan(width: number): Plan {
  const nodes = Array.from(
    { length: width },
    (_, i) => ({ id: `n${i}`, kind: 'action', handler: 'noop' }) as const,
  );
  const edges = nodes.slice(1).map(({ id }) => ({ source: 'n0', target: id }));
  return { title: `fan of ${width}`, nodes: [...nodes], edges };
}

/** Ten nodes, the second an approval: the run parks there. */
export const parked: Plan = plan('parked')
  .action('a', { handler: 'noop' })
  .approval('ask')
  .action('b', { handler: 'noop' })
  .action('c', { handler: 'noop' })
  .action('d', { handler: 'noop' })
  .action('e', { handler: 'noop' })
  .action('f', { handler: 'noop' })
  .action('g', { handler: 'noop' })
  .action('h', { handler: 'noop' })
  .action('i', { handler: 'noop' })
  .sequence('a', 'ask', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i')
  .build();
