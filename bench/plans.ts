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

/** A map over the list that the run gets as input. */
export const mapped: Plan = plan('map').map('items', { handler: 'noop' }).build();

export function loop(iterations: number): Plan {
  return plan(`loop of ${iterations}`)
    .loop('again', { maxIterations: iterations }, (body) => body.action('a', { handler: 'noop' }))
    .build();
}

/** A fan whose nodes fail once each, and are tried again without a delay. */
export function flaky(width: number): Plan {
  const { nodes, edges } = fan(width);
  const retried = nodes.map(({ id }) => ({
    id,
    kind: 'action' as const,
    handler: 'fails-once',
    retry: { maxAttempts: 2 },
  }));
  return { title: `fan of ${width} that fail once`, nodes: retried, edges };
}

/** `width` nodes side by side that sleep as long. */
export function sleepers(width: number, durationMs: number): Plan {
  const nodes = Array.from(
    { length: width },
    (_, i) => ({ id: `n${i}`, kind: 'sleep', duration: durationMs }) as const,
  );
  return { title: `${width} sleepers`, nodes: [...nodes], edges: [] };
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
