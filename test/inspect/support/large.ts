/** Plans of any size, and handlers that wait until they are let go. */
import type { HandlerContext, Handlers } from '../../../src/actors/handlers.js';
import type { Plan } from '../../../src/plan/schema.js';
import { action, edge, join as joinNode, plan } from '../../support/plans.js';

/** One node, then as many side by side as make `size` nodes with it and the last. */
export function fan(size: number, more: object = {}): Plan {
  const middle = Array.from({ length: size - 2 }, (_, index) => `work-${index}`);
  return plan(
    [action('first'), ...middle.map((id) => action(id)), joinNode('last')],
    middle.flatMap((id) => [edge('first', id), edge(id, 'last')]),
    { concurrency: size, ...more },
  ).plan;
}

/** A graph of several layers, each node behind two of the layer before. */
export function layered(size: number, width: number): Plan {
  const name = (index: number) => `node-${index}`;
  const nodes = Array.from({ length: size }, (_, index) => action(name(index)));
  const edges = nodes.flatMap((_, index) => {
    const depth = Math.floor(index / width);
    if (depth === 0) return [];
    const before = (place: number) => name((depth - 1) * width + (place % width));
    return [edge(before(index), name(index)), edge(before(index + 1), name(index))];
  });
  return plan(nodes, edges, { concurrency: size }).plan;
}

export class Gate {
  #release: () => void = () => {};
  readonly #opened = new Promise<void>((resolve) => {
    this.#release = resolve;
  });

  open(): void {
    this.#release();
  }

  /** Every other node of the fan waits for the gate; `text` is given by all. */
  handlers(text = 'done'): Handlers {
    return {
      work: async (_: unknown, { node }: HandlerContext) => {
        const number = Number(node.split('-')[1] ?? 0);
        if (number % 2 === 1) await this.#opened;
        return { text };
      },
    };
  }
}
