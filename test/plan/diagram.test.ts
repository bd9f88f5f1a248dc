import { describe, expect, it } from 'vitest';
import { planToMermaid } from '../../src/plan/diagram.js';
import { action, compiled, edge } from './drafts.js';

const { plan } = compiled(
  [
    action('end', { title: 'Say "hi" <b>#1</b> `x`\nnow & then' }),
    { kind: 'human-approval', id: 'review' },
    { kind: 'switch', id: 'route' },
    { kind: 'join', id: 'gate' },
  ],
  [
    edge('end', 'review', { on: 'done' }),
    edge('review', 'route'),
    edge('route', 'gate', { when: 'input["x"] > 1 || false' }),
    edge('route', 'gate', { default: true }),
  ],
);

describe('planToMermaid', () => {
  it('S10 S194 draws every node and edge', () => {
    expect(planToMermaid(plan).split('\n')).toEqual([
      'flowchart TD',
      '  n0["Say #quot;hi#quot; #lt;b#gt;#35;1#lt;/b#gt; #96;x#96; now #amp; then"]',
      '  n1(["review"])',
      '  n2{"route"}',
      '  n3{{"gate"}}',
      '  n0 -->|"on done"| n1',
      '  n1 --> n2',
      '  n2 -->|"input[#quot;x#quot;] #gt; 1 || false"| n3',
      '  n2 -.->|"default"| n3',
    ]);
  });

  it('S194 lays statuses and taken edges over it', () => {
    const text = planToMermaid(plan, {
      statuses: { end: 'completed', review: 'awaiting-human', route: 'made up', gone: 'failed' },
      takenEdges: new Set(['end->review', 'route->gate#2']),
    });
    expect(text).toContain('class n0 completed');
    expect(text).toContain('class n1 awaiting_human');
    expect(text).toContain('linkStyle 0,3 stroke');
    expect(text).not.toContain('made up');
    expect(text).not.toContain('failed');
  });

  it('shortens long labels', () => {
    const long = compiled([action('a', { title: 'word '.repeat(50) })]).plan;
    expect(planToMermaid(long).length).toBeLessThan(150);
  });
});
