import { describe, expect, expectTypeOf, it } from 'vitest';
import { type PlanFor, plan } from '../../src/plan/builder.js';
import { compilePlanOrThrow } from '../../src/plan/compile.js';
import type { JsonValue } from '../../src/plan/json.js';

const launch = () =>
  plan<{ brief: string }>('Launch', { objective: 'Ship it', concurrency: 2 })
    .schema('brief', { type: 'object' })
    .inputs('brief')
    .action('draft', { owner: { executorType: 'agent', ref: 'cmo' }, outputSchema: 'brief' })
    .approval('review', { criteria: ['tone'] })
    .switch('route')
    .action('publish', { handler: 'publish' })
    .action('note', { handler: 'note' })
    .join('done', { rule: 'any' })
    .sequence('draft', 'review', 'route')
    .edge('route', 'publish', { when: 'nodes["review"].outcome == "approved"' })
    .edge('route', 'note', { default: true })
    .edge('publish', 'done')
    .edge('note', 'done');

describe('the builder', () => {
  it('S6 emits the JSON that an author would write', () => {
    const built = launch().build();
    expect(built).toEqual(JSON.parse(JSON.stringify(built)));
    expect(built.nodes[0]).toEqual({
      kind: 'action',
      id: 'draft',
      owner: { executorType: 'agent', ref: 'cmo' },
      outputSchema: 'brief',
    });
    expect(built.edges[0]).toEqual({ source: 'draft', target: 'review' });
    expect(compilePlanOrThrow(built).warnings).toEqual([]);
  });

  it('S6 builds plans that no later call changes', () => {
    const builder = launch();
    const first = builder.build();
    builder.action('late', { handler: 'late' }).edge('done', 'late');
    expect(first.nodes).toHaveLength(6);
    expect(builder.build().nodes).toHaveLength(7);
  });

  it('S6 knows ids and inputs in its types', () => {
    expectTypeOf(launch().build()).toEqualTypeOf<PlanFor<{ brief: string }, JsonValue>>();
    const builder = plan('Types').action('a', { handler: 'h' }).join('b');
    expectTypeOf(builder.edge).parameter(0).toEqualTypeOf<'a' | 'b'>();
    const unknownIds = () => {
      // @ts-expect-error there is no node c
      builder.edge('a', 'c');
      // @ts-expect-error there is no node c
      builder.sequence('a', 'b', 'c');
      // @ts-expect-error there is no node c
      builder.entry('c');
      // @ts-expect-error the id is taken
      builder.action('a', { handler: 'h' });
      // @ts-expect-error a join has no handler
      builder.join('d', { handler: 'h' });
      // @ts-expect-error no such property of an edge
      builder.edge('a', 'b', { whenn: 'x' });
    };
    expect(unknownIds).toBeTypeOf('function');
  });

  it('S6 names entry nodes', () => {
    const built = plan('Entry').action('a', { handler: 'h' }).entry('a').build();
    expect(built.entry).toEqual(['a']);
    expect([...compilePlanOrThrow(built).graph.entries]).toEqual([0]);
  });
});
