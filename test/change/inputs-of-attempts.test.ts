/** What each attempt was given, asked after everything that gives a node run another input. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChangeMessage } from '../../src/actors/change-messages.js';
import type { NodeRunRecord } from '../../src/actors/records.js';
import { isJsonObject, type JsonValue } from '../../src/plan/json.js';
import { RunReader } from '../../src/run-reader.js';
import { memoryRows } from '../../src/testing/memory-rows.js';
import { expectGiven, inputsOnRecord } from '../support/given.js';
import { Kernel, type KernelOptions, type OpenAttempt } from '../support/kernel.js';
import { action, approval, chain, edge, plan } from '../support/plans.js';

const ASKED = { by: 'ann', reason: null };
const patch = (node: string, input: JsonValue): ChangeMessage => ({
  type: 'node.patch',
  node,
  input,
  ...ASKED,
});
const rollback = (node: string): ChangeMessage => ({ type: 'run.rollback', node, ...ASKED });

const RETRY = { maxAttempts: 50, backoff: 'fixed', delayMs: 1_000 } as const;

async function tell(kernel: Kernel, message: ChangeMessage): Promise<boolean> {
  const isDone = kernel.send(message).then(
    () => true,
    () => false,
  );
  await kernel.settle();
  return isDone;
}

async function inputsOf({ storage }: Kernel, node: string): Promise<(JsonValue | undefined)[]> {
  const reader = new RunReader(memoryRows(storage), storage.artifacts);
  return (await reader.attempts('r1', node)).map(({ input }) => input);
}

describe('what an attempt was given', () => {
  it('S90 stays on record where an operator patches the input between two attempts', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a', { retry: RETRY })]), { input: { v: 1 } });
    await kernel.settle();
    for (const v of [2, 3]) {
      await kernel.fail('a');
      await kernel.advance(1_000);
      await kernel.fail('a');
      expect(await tell(kernel, patch('a', { v }))).toBe(true);
      await kernel.restart();
      await kernel.advance(1_000);
    }
    expect(await inputsOf(kernel, 'a')).toEqual([{ v: 1 }, { v: 1 }, { v: 2 }, { v: 2 }, { v: 3 }]);
    expect([...kernel.rows().pastInputs.values()]).toMatchObject([
      { attempt: 2, inputJson: '{"v":1}' },
      { attempt: 4, inputJson: '{"v":2}' },
    ]);
  });

  it('S90 stays on record where each attempt resolves its input again', async () => {
    const kernel = new Kernel();
    const again = action('b', { resolveInput: 'each-attempt', retry: { maxAttempts: 4 } });
    const edges = [edge('a', 'b', { map: { seen: 'nodes["side"].output' } })];
    await kernel.start(plan([action('a'), action('side'), again], edges));
    await kernel.finish('a');
    await kernel.fail('b');
    await kernel.finish('side', 'now');
    await kernel.fail('b');
    await kernel.fail('b');
    const now = { seen: 'now' };
    expect(await inputsOf(kernel, 'b')).toEqual([{}, {}, now, now]);
    expect(kernel.rows().pastInputs.size).toBe(1);
  });

  it('S90 costs nothing where it is resolved once, or again to the same', async () => {
    const kernel = new Kernel();
    const retry = { maxAttempts: 3 };
    const nodes = [action('a', { retry }), action('b', { retry, resolveInput: 'each-attempt' })];
    await kernel.start(plan(nodes, chain('a', 'b')), { input: { v: 1 } });
    for (const node of ['a', 'b']) {
      for (const _ of [1, 2]) await kernel.fail(node);
      await kernel.finish(node, 'x'.repeat(1_000));
    }
    expect(kernel.rows().attempts.size).toBe(6);
    expect(kernel.rows().pastInputs.size).toBe(0);
    expect(JSON.stringify([...kernel.rows().attempts.values()]).length).toBeLessThan(4_000);
  });

  it('S90 is kept once where it is patched again before anybody has worked with that', async () => {
    const kernel = new Kernel();
    await kernel.start(plan([action('a', { retry: RETRY })]), { input: 'first' });
    await kernel.fail('a');
    for (const input of ['unused', 'first', 'last']) await tell(kernel, patch('a', input));
    await kernel.restart();
    await tell(kernel, patch('a', 'used'));
    await kernel.advance(1_000);
    expect(await inputsOf(kernel, 'a')).toEqual(['first', 'used']);
  });

  it('S90 is on record of a fallback and of a level of an escalation, with the failure that they were told', async () => {
    for (const more of [
      { onFailure: 'fallback', fallback: { handler: 'work' } },
      { onFailure: 'escalate', escalation: [{ handler: 'work' }] },
    ]) {
      const kernel = new Kernel();
      await kernel.start(plan([action('a', more)]), { input: { v: 1 } });
      await kernel.fail('a', Object.assign(new Error('no'), { class: 'quota' }));
      const { input: given } = kernel.attempt('a');
      expect(given).toMatchObject({ input: { v: 1 }, error: { message: 'no', class: 'quota' } });
      await kernel.restart();
      const { input: givenAgain } = kernel.attempt('a');
      expect(await inputsOf(kernel, 'a')).toEqual([{ v: 1 }, given, givenAgain]);
    }
  });

  it('S90 is that of the answer that was checked, where a person is asked about another input since', async () => {
    const checks = [{ name: 'sound', handler: 'work' }];
    const kernel = new Kernel();
    await kernel.start(plan([approval('ask', { checks })]), { input: { v: 1 } });
    await kernel.settle();
    for (const v of [2, 3]) {
      await kernel.respond('ask', { approved: true });
      await kernel.finish('ask', false);
      expect(await tell(kernel, patch('ask', { v }))).toBe(true);
    }
    await kernel.restart();
    expect(await inputsOf(kernel, 'ask')).toEqual([{ v: 1 }, { v: 2 }]);
  });

  it('S90 is that of its generation, whatever later ones are given', async () => {
    const kernel = new Kernel();
    const nodes = [action('a'), action('b', { retry: RETRY })];
    await kernel.start(plan(nodes, chain('a', 'b')));
    await kernel.settle();
    for (const v of [1, 2]) {
      await kernel.finish('a', { v });
      await kernel.fail('b');
      await tell(kernel, patch('b', { patched: v }));
      await kernel.advance(1_000);
      await tell(kernel, rollback('a'));
    }
    await kernel.restart();
    expect(await inputsOf(kernel, 'b')).toEqual([
      { v: 1 },
      { patched: 1 },
      { v: 2 },
      { patched: 2 },
    ]);
  });
});

// Anything, in any order -------------------------------------------------------------------------

const LASTING = { ...RETRY, maxInterruptions: 1_000 };
const FROM_SIDE = { map: { seen: 'nodes["side"].output', own: 'output' } };
const again = (id: string, more: object = {}) =>
  action(id, { resolveInput: 'each-attempt', retry: LASTING, ...more });

const EVERYTHING = plan(
  [
    action('a', { retry: LASTING }),
    action('side', { retry: LASTING }),
    again('resolved'),
    action('once', { retry: LASTING }),
    again('covered', {
      retry: { maxAttempts: 2, maxInterruptions: 1_000 },
      onFailure: 'fallback',
      fallback: { handler: 'work' },
    }),
    again('stuck', { retry: { maxAttempts: 1, maxInterruptions: 1_000 }, onFailure: 'replan' }),
    { kind: 'map', id: 'each', items: '[[1], [2], [3]]', handler: 'work', retry: LASTING },
    {
      kind: 'loop',
      id: 'loop',
      maxIterations: 2,
      body: {
        nodes: [action('y', { retry: LASTING }), again('x')],
        edges: [edge('y', 'x', FROM_SIDE)],
      },
    },
    approval('ask', { checks: [{ name: 'sound', handler: 'work' }] }),
  ],
  ['resolved', 'once', 'covered', 'stuck', 'ask'].map((id) => edge('a', id, FROM_SIDE)),
);

const STEPS = ['finish', 'fail', 'fail', 'patch', 'patch', 'retry', 'rollback', 'restart', 'wait'];
const step = fc.record({ type: fc.constantFrom(...STEPS), choice: fc.nat(1_000) });
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const RESTS: ReadonlySet<string> = new Set(['ready', 'blocked', 'awaiting-human']);
/** Node runs that can be done so to. */
const MEANT: Readonly<Record<string, (row: NodeRunRecord) => boolean>> = {
  patch: ({ status }) => RESTS.has(status),
  retry: ({ status }) => status === 'blocked',
};

class Player {
  readonly kernel: Kernel;
  patches = 0;
  /** What is given next: never the same twice in a row, and the same again. */
  #value = 0;

  constructor(options: KernelOptions) {
    this.kernel = new Kernel(options);
  }

  async take({ type, choice }: Step): Promise<void> {
    const { kernel } = this;
    this.#value += 1;
    if (type === 'restart') await kernel.restart();
    else if (type === 'wait') await kernel.advance(1_000);
    else if (type === 'finish' || type === 'fail') await this.#end(type === 'finish', choice);
    else if (await tell(kernel, this.#message(type, choice)))
      this.patches += Number(type === 'patch');
  }

  /** An attempt, a check or a task, whichever is chosen. */
  async #end(isGood: boolean, choice: number): Promise<void> {
    const { kernel } = this;
    const open = kernel.open().filter(({ context }) => !context.signal.aborted);
    const attempt = open[choice % (open.length + kernel.openTasks().length || 1)];
    if (attempt === undefined) {
      if (kernel.openTasks().length > 0) await kernel.respond('ask', { approved: true });
    } else if (attempt.key.includes('/checks/')) attempt.return(isGood && choice % 2 === 0);
    // Where a fallback fails the run is over, too soon to see much.
    else if (isGood || this.#isFallback(attempt)) attempt.return({ v: this.#value });
    else attempt.throw(new Error(`failed at ${this.#value}`));
    await kernel.settle();
  }

  #isFallback({ node, input }: OpenAttempt): boolean {
    return node === 'covered' && isJsonObject(input) && 'error' in input;
  }

  #message(type: string, choice: number): ChangeMessage {
    const rows = [...this.kernel.rows().nodeRuns.values()];
    const isMeant = MEANT[type] ?? (() => true);
    const paths = rows.filter(isMeant).map((row) => row.node);
    const node = paths.sort()[choice % paths.length] ?? 'a';
    if (type === 'patch') return patch(node, { patched: this.#value % 5 });
    if (type === 'rollback') return rollback(node);
    return { type: 'node.retry', node, by: 'ann' } as never;
  }
}

describe('what every attempt was given', () => {
  it('S90 is what its handler saw, whatever operators, retries and restarts do in whichever order', async () => {
    let replaced = 0;
    let patches = 0;
    const property = async (steps: Step[], maxResidentRuns: number) => {
      const player = new Player({ maxResidentRuns });
      const { kernel } = player;
      await kernel.start(EVERYTHING, { input: { v: 0 } });
      await kernel.settle();
      for (const taken of steps) await player.take(taken);
      expect(kernel.complaints).toEqual([]);
      expectGiven(kernel);
      const onRecord = inputsOnRecord(kernel);
      await kernel.restart();
      const later = inputsOnRecord(kernel);
      for (const [key, one] of onRecord) expect(later.get(key)).toEqual(one);
      const { attempts, pastInputs } = kernel.rows();
      expect([...pastInputs.keys()].every((key) => attempts.has(key))).toBe(true);
      replaced += pastInputs.size;
      patches += player.patches;
    };
    const steps = fc.array(step, { minLength: 10, maxLength: 60, size: 'max' });
    await fc.assert(fc.asyncProperty(steps, fc.constantFrom(0, 1_000), property), { numRuns: 80 });
    expect(patches).toBeGreaterThan(100);
    expect(replaced).toBeGreaterThan(100);
  }, 120_000);
});
