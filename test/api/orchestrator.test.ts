/** The library as its users have it, on a real file. */
import { createClient } from '@libsql/client/sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Environment } from '../../src/actors/environment.js';
import type { HandlerContext, Handlers } from '../../src/actors/handlers.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import type { JsonValue } from '../../src/plan/json.js';
import type { Plan } from '../../src/plan/schema.js';
import { simulatedEnvironment } from '../../src/testing/simulation.js';
import { Kernel } from '../support/kernel.js';
import { action, approval, edge, join, plan, switchNode } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

async function open(
  database: string,
  handlers: Handlers,
  environment?: Environment,
): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator({
    url: database,
    handlers,
    ...(environment && { environment }),
  });
  onTestFinished(() => orchestrator.close());
  return orchestrator;
}

async function rowsOf(database: string, query: string): Promise<Record<string, unknown>[]> {
  const client = createClient({ url: `file:${database}`, concurrency: 1 });
  try {
    const { columns, rows } = await client.execute(query);
    return rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
  } finally {
    client.close();
  }
}

const draftOf = (...parts: Parameters<typeof plan>): Plan => plan(...parts).plan;

describe('a result', () => {
  it('S35 has status, outputs by node, and each failure with node, attempt, time, code and message', async () => {
    const orchestrator = await open(temporaryDatabase(), {
      work: ({ v }, { node, attempt }: HandlerContext) => {
        if (node === 'flaky' && attempt === 1) throw new Error('first try');
        if (node === 'broken') throw Object.assign(new Error('for good'), { code: 'no-luck' });
        return { node, v };
      },
    });
    const before = Date.now();
    const run = await orchestrator.start(
      draftOf([
        action('flaky', { retry: { maxAttempts: 2 } }),
        action('broken', { onFailure: 'continue' }),
        action('fine'),
      ]),
      { id: 'r1', input: { v: 1 }, concurrency: 1 },
    );
    const result = await run.result();
    expect(result).toEqual({
      id: 'r1',
      status: 'partial',
      outputs: { flaky: { node: 'flaky', v: 1 }, fine: { node: 'fine', v: 1 } },
      errors: expect.any(Array),
      failureCount: { attempts: 2, nodes: 1 },
      reason: null,
    });
    expect(result.errors[0]).toMatchObject({ node: 'flaky', attempt: 1, message: 'first try' });
    for (const error of result.errors) {
      expect(Object.keys(error).sort()).toEqual(['at', 'attempt', 'code', 'message', 'node']);
      expect(error.attempt).toBe(1);
      expect(error.at).toBeGreaterThanOrEqual(before);
      expect(error.at).toBeLessThanOrEqual(Date.now());
      expect(error.code).not.toBe('');
    }
    const ofBroken = result.errors.filter(({ node }) => node === 'broken');
    expect(ofBroken.length).toBeGreaterThan(0);
    for (const error of ofBroken)
      expect(error).toMatchObject({ code: 'no-luck', message: 'for good' });
    expect(result.errors.filter(({ node }) => node === 'fine')).toEqual([]);
  });

  it('S35 of a run that failed has its reason, and is the same in the next process', async () => {
    const database = temporaryDatabase();
    const handlers = {
      work: () => {
        throw new Error('boom');
      },
    };
    const first = await open(database, handlers);
    const result = await (await first.start(draftOf([action('a')]), { id: 'r1' })).result();
    expect(result).toMatchObject({
      status: 'failed',
      outputs: {},
      errors: [{ node: 'a', attempt: 1, message: 'boom' }, { node: 'a' }],
      reason: { message: 'boom' },
    });
    await first.close();
    const second = await open(database, {});
    expect(await second.result('r1')).toEqual(result);
  });
});

describe('a start', () => {
  it.each([
    [
      'S8',
      'handler-missing',
      [action('a', { handler: 'x' }), action('b', { handler: 'y' })],
      ['"x"', '"y"'],
    ],
    [
      'S11',
      'executor-missing',
      ['ann', 'bob'].map((ref) => action(ref, { owner: { executorType: 'user', ref } })),
      ['"user/ann"', '"user/bob"'],
    ],
  ])(
    '%s is refused with %s, all keys named, before anything is stored',
    async (_, code, nodes, keys) => {
      const database = temporaryDatabase();
      const orchestrator = await open(database, { work: () => 1 });
      const error = await orchestrator.start(draftOf(nodes), { id: 'r1' }).catch((cause) => cause);
      expect(error).toMatchObject({ code });
      for (const key of keys) expect(error.message).toContain(key);
      expect(await orchestrator.runs.list()).toEqual([]);
      await orchestrator.close();
      for (const table of ['plans', 'runs', 'run_events', 'checkpoints']) {
        expect(await rowsOf(database, `select * from ${table}`), table).toEqual([]);
      }
    },
  );
});

// One engine ---------------------------------------------------------------------------------

const RETRY = { maxAttempts: 2 };
const draft = draftOf(
  [
    action('a'),
    action('b', { retry: RETRY }),
    switchNode('s'),
    action('left'),
    action('right'),
    join('j'),
    approval('ask'),
    action('end'),
    action('never'),
  ],
  [
    edge('a', 's'),
    edge('s', 'left', { when: 'nodes["a"].output.n > 0' }),
    edge('s', 'right', { default: true }),
    edge('left', 'j'),
    edge('right', 'j'),
    edge('b', 'j'),
    edge('j', 'ask'),
    edge('ask', 'end'),
    edge('ask', 'never', { when: 'outcome == "rejected"' }),
  ],
);

function work(input: JsonValue | undefined, node: string, attempt: number): JsonValue {
  if (node === 'b' && attempt === 1) throw new Error('once');
  return { n: 1, node, input: input ?? null };
}

const ANSWER = { approved: true };

/** An event but for its time, which is the clock's. */
function line(event: {
  seq: number;
  type: string;
  node: string | null;
  attempt: number | null;
  detail: unknown;
}): string {
  const { seq, type, node, attempt, detail } = event;
  return JSON.stringify([seq, type, node, attempt, detail]);
}

const linesOf = (kernel: Kernel): string[] =>
  kernel.rows().events.map((event) => line({ ...event, detail: JSON.parse(event.detailJson) }));

describe('one engine', () => {
  const options = { id: 'r1', input: { v: 1 }, concurrency: 100 };

  /** Handlers that end by themselves. */
  async function atOnce(): Promise<string[]> {
    const kernel = new Kernel({
      handlers: { work: (input, { node, attempt }) => work(input, node, attempt) },
    });
    await kernel.start(plan(draft.nodes as never, draft.edges as never), options);
    await kernel.settle();
    await kernel.respond('ask', ANSWER);
    await kernel.settle();
    return linesOf(kernel);
  }

  /** Each result is held back until everything before it is durable and nothing moves. */
  async function stepwise(): Promise<string[]> {
    const kernel = new Kernel();
    await kernel.start(plan(draft.nodes as never, draft.edges as never), options);
    await kernel.settle();
    for (let done = 0; done < kernel.executions.length; done++) {
      const key = kernel.executions[done];
      const open = kernel.open().find((attempt) => attempt.key === key);
      if (open === undefined) throw new Error(`${key} is not open`);
      try {
        open.return(work(open.input, open.node, open.attempt));
      } catch (error) {
        open.throw(error);
      }
      await kernel.settle();
      if (kernel.openTasks().length > 0) await kernel.respond('ask', ANSWER);
      await kernel.settle();
    }
    return linesOf(kernel);
  }

  async function throughTheApi(): Promise<string[]> {
    const orchestrator = await open(
      temporaryDatabase(),
      { work: (input, { node, attempt }) => work(input, node, attempt) },
      simulatedEnvironment(1),
    );
    const run = await orchestrator.start(draft, options);
    expect(await orchestrator.settled('r1')).toBe('awaiting-human');
    const [task] = await orchestrator.runs.openTasks();
    await orchestrator.respond(task?.id ?? '', { response: ANSWER });
    await run.result();
    const lines: string[] = [];
    for await (const event of run.events()) lines.push(line(event));
    return lines;
  }

  it('S62 gives the same events, run at once, message by message, or through the API', async () => {
    const expected = await atOnce();
    expect(expected.at(-1)).toContain('run.completed');
    expect(expected.filter((text) => text.includes('"edge.evaluated"')).length).toBeGreaterThan(2);
    expect(expected.filter((text) => text.includes('"attempt.failed"'))).toHaveLength(1);
    expect(await stepwise()).toEqual(expected);
    expect(await throughTheApi()).toEqual(expected);
  });
});

describe('on disk', () => {
  it('S160 each turn leaves a checkpoint with its event number and cause, and snapshots of what it changed', async () => {
    const database = temporaryDatabase();
    const orchestrator = await open(database, { work: () => 1 });
    const chain = draftOf(
      [action('a'), action('b'), action('c')],
      [edge('a', 'b'), edge('b', 'c')],
    );
    await (await orchestrator.start(chain, { id: 'r1' })).result();
    await orchestrator.close();
    const events = await rowsOf(database, 'select seq, node from run_events order by seq');
    const checkpoints = await rowsOf(database, 'select seq, reason from checkpoints order by seq');
    expect(checkpoints.map(({ reason }) => reason)).toEqual([
      'run.start',
      'attempt.result',
      'attempt.result',
      'attempt.result',
    ]);
    expect(checkpoints.at(-1)?.seq).toBe(events.at(-1)?.seq);
    const versions = await rowsOf(database, 'select actor, seq from actor_versions order by seq');
    let last = 0;
    const changed = checkpoints.map(({ seq }) => {
      const own = versions.filter(
        (row) => Number(row.seq) > last && Number(row.seq) <= Number(seq),
      );
      last = Number(seq);
      return own.map(({ actor }) => actor).sort();
    });
    expect(changed).toEqual([
      ['', 'a'],
      ['a', 'b'],
      ['b', 'c'],
      ['', 'c'],
    ]);
  });
});
