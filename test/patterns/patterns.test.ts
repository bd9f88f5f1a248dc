/** docs/workflow-patterns.md: every pattern that it calls supported is shown by a plan that runs here. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Kernel, StartOptions } from '../support/kernel.js';
import { childrenOf, root, stage, startsOf } from './stage.js';

const page = readFileSync(new URL('docs/workflow-patterns.md', root), 'utf8');
const ROW = /^\| (\d+) \| ([^|]+) \| (yes|partly|no) \| ([^|]*)\| ([^|]*)\|$/gm;

const rows = [...page.matchAll(ROW)].map(
  ([, number, name = '', support, plan = '', reason = '']) => ({
    number: Number(number),
    name: name.trim(),
    support,
    file: /\]\(\.\.\/(test\/patterns\/plans\/[^)]+)\)/.exec(plan)?.[1],
    reason: reason.trim(),
  }),
);
const shown = new Set<number>();

/** Runs the plan of a pattern's row. */
function pattern(
  number: number,
  title: string,
  show: (kernel: Kernel) => Promise<void>,
  start: StartOptions = {},
): void {
  shown.add(number);
  const row = rows.find((candidate) => candidate.number === number);
  it(`WCP-${number} ${row?.name}: ${title}`, async () => {
    const kernel = await stage(readFileSync(new URL(row?.file ?? '', root), 'utf8'), start);
    await show(kernel);
    expect(kernel.complaints).toEqual([]);
  });
}

it('docs/workflow-patterns.md has all 43 patterns, and a reason where one is not fully supported', () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 43 }, (_, i) => i + 1));
  expect(rows.filter(({ support, reason }) => support !== 'yes' && reason === '')).toEqual([]);
});

it('docs/workflow-patterns.md has a plan for each pattern that is supported, and names no other', () => {
  const withPlan = rows.filter(({ file }) => file !== undefined).map(({ number }) => number);
  const supported = rows.filter(({ support }) => support !== 'no').map(({ number }) => number);
  expect(withPlan).toEqual(supported);
  expect([...shown].sort((a, b) => a - b)).toEqual(supported);
  const files = readdirSync(new URL('test/patterns/plans/', root)).map(
    (name) => `test/patterns/plans/${name}`,
  );
  expect([...new Set(rows.flatMap(({ file }) => file ?? []))].sort()).toEqual(files.sort());
});

it('docs/workflow-patterns.md counts its rows right', () => {
  const count = (support: string) => rows.filter((row) => row.support === support).length;
  expect(page).toContain(`${count('yes')} yes, ${count('partly')} partly, ${count('no')} no`);
});

// Basic control flow --------------------------------------------------------------------------

pattern(1, 'each starts when the one before it is done', async (k) => {
  for (const node of ['a', 'b', 'c']) {
    expect(k.working()).toEqual([node]);
    await k.finish(node);
  }
  expect(k.status()).toBe('completed');
});

pattern(2, 'both branches are at work at the same time', async (k) => {
  await k.finish('a');
  expect(k.working()).toEqual(['b', 'c']);
});

pattern(3, 'what follows waits for both', async (k) => {
  await k.finish('b');
  expect(k.working()).toEqual(['a']);
  await k.finish('a');
  expect(k.working()).toEqual(['c']);
});

pattern(
  4,
  'S73 the first condition that holds decides, and one branch is taken',
  async (k) => {
    expect(k.working()).toEqual(['truck']);
    expect(k.summary().nodes).toMatchObject({ ship: 'skipped', post: 'skipped' });
  },
  { input: { kg: 30 } },
);

pattern(
  5,
  'what follows the alternatives runs once, and waits for neither of the others',
  async (k) => {
    await k.finish('card', 'paid');
    expect(k.working()).toEqual(['deliver']);
    await k.finish('deliver');
    expect(startsOf(k)).toEqual(['card#1', 'deliver#1']);
    expect(k.status()).toBe('completed');
  },
  { input: { by: 'card' } },
);

// Branching and merging -----------------------------------------------------------------------

pattern(
  6,
  'S73 all branches whose condition holds are taken',
  async (k) => {
    expect(k.working()).toEqual(['police', 'ambulance']);
    expect(k.summary().nodes.fire).toBe('skipped');
  },
  { input: { crime: true, hurt: true } },
);

pattern(
  7,
  'S77 the merge waits for the branches that were chosen, and for no other',
  async (k) => {
    await k.finish('police');
    expect(k.working()).toEqual(['ambulance']);
    await k.finish('ambulance');
    expect(k.working()).toEqual(['report']);
  },
  { input: { crime: true, hurt: true } },
);

pattern(8, 'S148 what follows is written once and runs once for each branch', async (k) => {
  await k.finish('paint');
  const [first = ''] = childrenOf(k);
  expect(k.working(first)).toEqual(['check']);
  await k.finish('lay-cable');
  const [, second = ''] = childrenOf(k);
  expect(k.working(second)).toEqual(['check']);
  await k.finish('check', 'good', second);
  await k.finish('check', 'good', first);
  expect(k.status()).toBe('completed');
});

pattern(
  9,
  'S79 S80 it fires once, on the first; the others are recorded and change nothing',
  async (k) => {
    await k.finish('b');
    expect(k.working()).toEqual(['a', 'c', 'next']);
    await k.finish('next');
    await k.finish('a');
    await k.finish('c');
    expect(startsOf(k).filter((start) => start.startsWith('next'))).toEqual(['next#1']);
    expect(k.log('r1', /join\.arrival-ignored/)).toHaveLength(2);
    expect(k.status()).toBe('completed');
  },
);

const rework = { ok: false, error: { class: 'rework', message: 'not good enough' } };

pattern(10, 'S117 two nodes go back to two others, and their cycles overlap', async (k) => {
  await k.finish('write');
  await k.finish('check', rework);
  await k.finish('write');
  await k.finish('check');
  await k.finish('set');
  await k.finish('proof', rework);
  expect(k.working()).toEqual(['check']);
  await k.finish('check', rework);
  for (const node of ['write', 'check', 'set', 'proof']) await k.finish(node);
  expect(k.status()).toBe('completed');
  expect(
    startsOf(k)
      .map((start) => start.slice(0, -2))
      .join(' '),
  ).toBe('write check write check set proof check write check set proof');
});

// Termination ---------------------------------------------------------------------------------

pattern(11, 'S32 the run ends when nothing is left to do, wherever that is', async (k) => {
  await k.finish('a');
  await k.finish('c');
  await k.finish('d');
  expect(k.status()).toBe('running');
  await k.finish('b');
  expect(k.status()).toBe('completed');
});

pattern(
  43,
  'S81 the run completes when the end is reached, and what is left is cancelled',
  async (k) => {
    await k.finish('polish');
    await k.finish('ship');
    await k.fail('watch', new Error('stopped'));
    expect(k.status()).toBe('completed');
    expect(k.summary().nodes).toMatchObject({
      end: 'completed',
      watch: 'cancelled',
      polish: 'completed',
    });
  },
);

// Multiple instances --------------------------------------------------------------------------

pattern(12, 'what follows does not wait for the instances', async (k) => {
  await k.finish('fine', { drivers: ['ann', 'bob'] });
  expect(k.working().sort()).toEqual(['file', 'letters[0]', 'letters[1]']);
  await k.finish('file');
  expect(k.status()).toBe('running');
  await k.finish('letters[1]');
  await k.finish('letters[0]');
  expect(k.status()).toBe('completed');
});

pattern(13, 'S143 as many instances as the plan says, then what follows, once', async (k) => {
  expect(k.working()).toEqual(['signatures[0]', 'signatures[1]', 'signatures[2]']);
  for (const i of [2, 0, 1]) await k.finish(`signatures[${i}]`, i);
  expect(k.working()).toEqual(['publish']);
  expect(k.attempt('publish').input).toEqual([0, 1, 2]);
});

pattern(14, 'S143 as many instances as the data says when the map begins', async (k) => {
  await k.finish('choose', { reviewers: ['ann', 'bob'] });
  expect(k.working()).toEqual(['reviews[0]', 'reviews[1]']);
  await k.finish('reviews[1]', 'no');
  await k.finish('reviews[0]', 'yes');
  expect(k.attempt('decide').input).toEqual(['yes', 'no']);
});

const add = (...nodes: readonly string[]) => ({
  ok: true,
  output: 'heard',
  add: {
    nodes: nodes.map((id) => ({ kind: 'action', id, handler: 'work' })),
    edges: nodes.map((source) => ({ source, target: 'heard' })),
  },
});

pattern(
  15,
  'S150 instances are added while others are at work, and the merge waits for all',
  async (k) => {
    await k.finish('driver', add('neighbour'));
    expect(k.working().sort()).toEqual(['neighbour', 'passenger']);
    await k.finish('passenger', 'heard');
    await k.finish('neighbour', add('postman', 'baker'));
    expect(k.working()).toEqual(['postman', 'baker']);
    await k.restart();
    await k.finish('postman', 'heard');
    await k.finish('baker', 'heard');
    expect(k.working()).toEqual(['report']);
    expect(Object.keys(k.attempt('report').input as object)).toHaveLength(5);
  },
);

pattern(41, 'the threads of a map become one when the last is over', async (k) => {
  await k.finish('signatures[0]');
  await k.finish('signatures[1]');
  expect(k.working()).toEqual(['signatures[2]']);
  await k.finish('signatures[2]');
  expect(startsOf(k).at(-1)).toBe('publish#1');
});

pattern(42, 'one branch becomes as many threads as the plan says', async (k) => {
  expect(k.working()).toHaveLength(3);
});

// State ---------------------------------------------------------------------------------------

pattern(16, 'S81 what happens first decides, and the other is no longer awaited', async (k) => {
  expect(k.working()).toEqual([]);
  await k.send({ type: 'signal.send', id: 's1', name: 'paid', payload: { amount: 10 } });
  await k.settle();
  expect(k.working()).toEqual(['ship']);
  expect(k.summary().nodes).toMatchObject({ overdue: 'cancelled', remind: 'skipped' });
  await k.finish('ship');
  expect(k.status()).toBe('completed');
  expect(k.storage.runs.get('r1')?.timers.size).toBe(0);
});

pattern(17, 'never two at a time, any order that keeps a before b', async (k) => {
  const order: string[] = [];
  while (k.status() === 'running') {
    const working = k.working();
    expect(working).toHaveLength(1);
    order.push(...working);
    await k.finish(working[0] ?? '');
  }
  expect([...order].sort()).toEqual(['a', 'b', 'c']);
  expect(order.indexOf('a')).toBeLessThan(order.indexOf('b'));
});

pattern(
  18,
  'a change is taken after the booking and until the ticket, and not after it',
  async (k) => {
    const change = (id: string) =>
      k.send({ type: 'signal.send', id, name: 'change', payload: null });
    await k.finish('book');
    await k.finish('ticket');
    expect(k.summary().nodes).toMatchObject({ change: 'cancelled', closed: 'completed' });
    await change('too late');
    await k.settle();
    expect(k.working()).toEqual(['send']);
    await k.finish('send');
    expect(k.status()).toBe('completed');
    expect(startsOf(k)).not.toContain('rebook#1');
  },
);

pattern(18, 'a change in time is made', async (k) => {
  await k.finish('book');
  await k.send({ type: 'signal.send', id: 's1', name: 'change', payload: null });
  await k.settle();
  expect(k.working()).toEqual(['rebook', 'ticket']);
  await k.finish('rebook');
  expect(k.working()).toEqual(['ticket']);
  await k.finish('ticket');
  await k.finish('send');
  expect(k.status()).toBe('completed');
});

pattern(39, 'two that share a key are never at work together, whatever else is', async (k) => {
  expect(k.working()).toEqual(['a', 'c']);
  await k.finish('a');
  expect(k.working()).toEqual(['b', 'c']);
});

pattern(40, 'never two at a time, and all of them before what follows', async (k) => {
  for (let i = 0; i < 3; i++) {
    const working = k.working();
    expect(working).toHaveLength(1);
    expect(working).not.toEqual(['next']);
    await k.finish(working[0] ?? '');
  }
  expect(k.working()).toEqual(['next']);
});

// Cancellation --------------------------------------------------------------------------------

const told = async (k: Kernel, name: string) => {
  await k.send({ type: 'signal.send', id: name, name, payload: null });
  await k.settle();
};

pattern(19, 'S81 the activity is stopped, and what follows goes on', async (k) => {
  const { signal } = k.attempt('search').context;
  await told(k, 'stop');
  expect(signal.aborted).toBe(true);
  await k.fail('search', new Error('stopped'));
  expect(k.summary().nodes.search).toBe('cancelled');
  await k.finish('next');
  expect(k.status()).toBe('completed');
});

pattern(20, 'S152 S153 everything is withdrawn, and nothing else starts', async (k) => {
  await k.cancel();
  await k.settle();
  await k.finish('a', 'too late');
  expect(k.status()).toBe('cancelled');
  expect(k.summary().nodes).toMatchObject({ b: 'cancelled', c: 'cancelled', d: 'cancelled' });
  expect(k.openTasks()).toEqual([]);
});

pattern(
  25,
  'S81 a part of the run is withdrawn, at work or not yet, and the rest goes on',
  async (k) => {
    await told(k, 'ill');
    await k.fail('hotel', new Error('stopped'));
    expect(k.summary().nodes).toMatchObject({
      hotel: 'cancelled',
      visa: 'cancelled',
      pack: 'cancelled',
    });
    expect(k.working()).toEqual(['insure']);
    await k.finish('insure');
    expect(k.status()).toBe('completed');
  },
);

const samples = { input: { samples: [1, 2, 3, 4] } };

pattern(
  26,
  'S81 instances at work are stopped, and those that were not begun never begin',
  async (k) => {
    await k.finish('samples[0]', 'fine');
    await told(k, 'stop');
    await k.fail('samples[1]', new Error('stopped'));
    await k.fail('samples[2]', new Error('stopped'));
    expect(k.summary().nodes.samples).toBe('cancelled');
    expect(startsOf(k)).not.toContain('samples[3]#1');
    await k.finish('next');
    expect(k.status()).toBe('completed');
  },
  samples,
);

pattern(
  27,
  'the instances that are left are withdrawn and what follows goes on, without their results',
  async (k) => {
    await k.finish('samples[0]', 'fine');
    await told(k, 'stop');
    expect(k.working()).toContain('next');
    expect(k.attempt('next').input).toEqual({ stop: null });
  },
  samples,
);

// Iteration and triggers ----------------------------------------------------------------------

pattern(21, 'S142 asked before each iteration, and asked after each', async (k) => {
  await k.finish('pages[1]/read', { more: true });
  await k.finish('pages[2]/read', { more: false });
  expect(k.summary().outputs.pages).toMatchObject({ iterations: 2, exit: 'while' });
  await k.finish('tries[1]/try', { works: false });
  await k.finish('tries[2]/try', { works: true });
  expect(k.summary().outputs.tries).toMatchObject({ iterations: 2, exit: 'until' });
  expect(k.status()).toBe('completed');
});

pattern(22, 'S148 a plan runs itself, and ends from the inside out', async (k) => {
  await k.finish('look', { hasMore: true }, childrenOf(k)[0]);
  await k.finish('look', { hasMore: true }, childrenOf(k)[1]);
  expect(k.status()).toBe('running');
  await k.finish('look', { hasMore: false }, childrenOf(k)[2]);
  expect(childrenOf(k).map((run) => k.status(run))).toEqual([
    'completed',
    'completed',
    'completed',
  ]);
  expect(k.status()).toBe('completed');
});

pattern(24, 'S219 a signal that came before anybody waited is kept and taken once', async (k) => {
  await told(k, 'bell');
  await k.restart();
  await k.finish('dress');
  expect(k.working()).toEqual(['open']);
  expect(k.log('r1', /signal\./)).toEqual(['signal.received', 'signal.delivered bell']);
});

// Discriminators and partial joins ------------------------------------------------------------

pattern(
  28,
  'no branch begins its next round before the join has taken all of this one',
  async (k) => {
    await k.finish('rounds[1]/b');
    await k.finish('rounds[1]/next');
    expect(k.working()).toEqual(['rounds[1]/a']);
    await k.finish('rounds[1]/a');
    expect(k.working()).toEqual(['rounds[2]/a', 'rounds[2]/b']);
    await k.finish('rounds[2]/a');
    expect(k.working()).toContain('rounds[2]/next');
  },
);

pattern(29, 'S81 it fires on the first, and the others are stopped', async (k) => {
  await k.finish('b');
  expect(k.attempt('a').context.signal.aborted).toBe(true);
  await k.fail('a', new Error('stopped'));
  await k.finish('next');
  expect(k.summary().nodes).toMatchObject({ a: 'cancelled', next: 'completed' });
  expect(k.status()).toBe('completed');
});

pattern(30, 'S199 it fires once, on the second of three; the third changes nothing', async (k) => {
  await k.finish('c');
  expect(k.working()).toEqual(['a', 'b']);
  await k.finish('a');
  expect(k.working()).toEqual(['b', 'next']);
  await k.finish('next');
  await k.finish('b');
  expect(startsOf(k).filter((start) => start.startsWith('next'))).toHaveLength(1);
  expect(k.status()).toBe('completed');
});

pattern(
  31,
  'no branch begins its next round before the join has taken all of this one',
  async (k) => {
    await k.finish('rounds[1]/a');
    await k.finish('rounds[1]/b');
    await k.finish('rounds[1]/next');
    expect(k.working()).toEqual(['rounds[1]/c']);
    await k.finish('rounds[1]/c');
    expect(k.working()).toEqual(['rounds[2]/a', 'rounds[2]/b', 'rounds[2]/c']);
  },
);

pattern(32, 'S81 it fires on the second of three, and the third is stopped', async (k) => {
  await k.finish('c');
  await k.finish('a');
  expect(k.working()).toContain('next');
  await k.fail('b', new Error('stopped'));
  expect(k.summary().nodes.b).toBe('cancelled');
});

/** Instances with a join of their own, as a result adds them. */
const asked = (join: object) => {
  const ids = ['ann', 'bob', 'cid'];
  return {
    ok: true,
    add: {
      nodes: [
        ...ids.map((id) => ({ kind: 'action', id, handler: 'work' })),
        { kind: 'join', id: 'enough', ...join },
        { kind: 'action', id: 'next', handler: 'work' },
      ],
      edges: [
        ...ids.flatMap((id) => [
          { source: 'ask', target: id },
          { source: id, target: 'enough' },
        ]),
        { source: 'enough', target: 'next' },
      ],
    },
  };
};

pattern(
  34,
  'S150 what follows starts on the second of three instances, the third goes on',
  async (k) => {
    await k.finish('ask', asked({ rule: { count: 2 } }));
    await k.finish('cid', 'yes');
    await k.finish('ann', 'no');
    expect(k.working()).toEqual(['bob', 'next']);
    expect(k.attempt('next').input).toEqual({ ann: 'no', cid: 'yes' });
  },
);

pattern(
  35,
  'S81 S150 what follows starts on the second of three instances, the third is stopped',
  async (k) => {
    await k.finish('ask', asked({ rule: { count: 2 }, cancelRest: true }));
    await k.finish('cid', 'yes');
    await k.finish('ann', 'no');
    await k.fail('bob', new Error('stopped'));
    expect(k.rows().nodeRuns.get('bob')?.status).toBe('cancelled');
    expect(k.working()).toEqual(['next']);
  },
);

pattern(
  36,
  'S150 S199 the condition is asked anew with each instance, those that were added included',
  async (k) => {
    const more = { nodes: ['c', 'd'].map((id) => ({ kind: 'action', id, handler: 'work' })) };
    const edges = ['c', 'd'].map((source) => ({ source, target: 'majority' }));
    await k.finish('a', { ok: true, output: 1, add: { ...more, edges } });
    await k.finish('b', 1);
    expect(k.working()).toEqual(['c', 'd']);
    await k.finish('d', 1);
    expect(k.working()).toEqual(['c', 'next']);
  },
);

// Merges without a split of their own ---------------------------------------------------------

pattern(
  37,
  'S77 the merge waits for what can still arrive, and knows what cannot',
  async (k) => {
    await k.finish('outer');
    await k.finish('a');
    expect(k.working()).toEqual(['b']);
    await k.finish('b');
    expect(k.working()).toEqual(['next']);
  },
  { input: { a: true, b: true, inner: true } },
);

pattern(
  38,
  'S76 S77 a branch that turns elsewhere is not waited for',
  async (k) => {
    await k.finish('outer');
    expect(k.working()).toEqual(['a', 'aside']);
    await k.finish('a');
    expect(k.working()).toEqual(['aside', 'next']);
  },
  { input: { a: true, b: true, inner: false } },
);
