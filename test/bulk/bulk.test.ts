import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type {
  BulkAction,
  BulkFilter,
  BulkOutcome,
  Orchestrator,
  RunStatus,
} from '../../src/index.js';
import { createOrchestrator } from '../../src/index.js';
import { testKit } from '../../src/testing/index.js';
import { bodyOf, openSite } from '../http/support/site.js';
import { action, approval, chain, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

const waiting = plan([approval('look')]).plan;
const listening = plan([{ kind: 'signal', id: 'hear', signal: 'go' }], [], {
  title: 'Listening',
}).plan;
const failing = plan([action('a')], [], { title: 'Failing' }).plan;
let isBroken = true;
const handlers = {
  work() {
    if (isBroken) throw Object.assign(new Error('down'), { retryable: false });
    return 'up';
  },
};

async function open(): Promise<Orchestrator> {
  isBroken = true;
  const orchestrator = await createOrchestrator({ url: temporaryDatabase(), handlers });
  onTestFinished(() => orchestrator.close());
  return orchestrator;
}

/** Does all that was previewed, page by page. */
async function applyAll(
  { bulk }: Orchestrator,
  wanted: BulkAction,
  filter: BulkFilter,
  token: string,
  limit = 2,
): Promise<BulkOutcome[]> {
  const outcomes: BulkOutcome[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await bulk.apply(wanted, filter, {
      token,
      by: 'ada',
      limit,
      ...(cursor !== undefined && { cursor }),
    });
    expect(page.outcomes.length).toBeLessThanOrEqual(limit);
    outcomes.push(...page.outcomes);
    cursor = page.cursor;
  }
  return outcomes;
}

async function statusesOf({ runs }: Orchestrator): Promise<Record<string, RunStatus>> {
  return Object.fromEntries((await runs.list()).map(({ id, status }) => [id, status]));
}

describe('S238 what is done to many runs', () => {
  it('S238 is what was previewed, to the run, with an outcome each', async () => {
    const orchestrator = await open();
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      const team = id < 'd' ? 'red' : 'blue';
      await orchestrator.start(waiting, { id, metadata: { team, deep: { id } } });
      await orchestrator.settled(id);
    }
    const filter: BulkFilter = { metadata: { team: 'red' } };
    const shown = await orchestrator.bulk.preview({ type: 'cancel' }, filter);
    expect(shown.count).toBe(3);
    expect(shown.sample.map(({ id }) => id)).toEqual(['c', 'b', 'a']);
    expect(await statusesOf(orchestrator)).toMatchObject({ a: 'awaiting-human' });

    const outcomes = await applyAll(orchestrator, { type: 'cancel' }, filter, shown.token);
    expect(outcomes).toEqual(['c', 'b', 'a'].map((run) => ({ run, outcome: 'done' })));
    for (const id of ['a', 'b', 'c']) await orchestrator.result(id);
    expect(await statusesOf(orchestrator)).toEqual({
      a: 'cancelled',
      b: 'cancelled',
      c: 'cancelled',
      d: 'awaiting-human',
      e: 'awaiting-human',
    });
    const events = await orchestrator.runs.events('a');
    expect(events.find(({ type }) => type === 'run.cancel-requested')?.detail).toMatchObject({
      by: 'ada',
    });
  });

  it('S238 is refused where other runs are hit by now, and never reaches newer ones', async () => {
    const orchestrator = await open();
    for (const id of ['a', 'b']) await orchestrator.start(waiting, { id });
    for (const id of ['a', 'b']) await orchestrator.settled(id);
    const filter: BulkFilter = { status: ['awaiting-human'] };
    const cancel: BulkAction = { type: 'cancel' };
    const { token } = await orchestrator.bulk.preview(cancel, filter);
    await orchestrator.start(waiting, { id: 'newer' });
    await orchestrator.settled('newer');
    await orchestrator.cancel('b');
    await orchestrator.result('b');
    const options = { token, by: 'ada' };
    await expect(orchestrator.bulk.apply(cancel, filter, options)).rejects.toMatchObject({
      code: 'bulk-changed',
      data: { previewed: 2, count: 1 },
    });
    const page = await orchestrator.bulk.apply(cancel, filter, { ...options, allowChanges: true });
    expect(page).toEqual({ outcomes: [{ run: 'a', outcome: 'done' }], cursor: null });
    expect((await orchestrator.runs.summary('newer')).status).toBe('awaiting-human');
  });

  it('S238 takes the token of its own preview only', async () => {
    const orchestrator = await open();
    await orchestrator.start(waiting, { id: 'a' });
    const { token } = await orchestrator.bulk.preview({ type: 'pause' }, { ids: ['a'] });
    const by = 'ada';
    for (const [wanted, filter, with_] of [
      [{ type: 'cancel' }, { ids: ['a'] }, token],
      [{ type: 'pause' }, { ids: ['a', 'b'] }, token],
      [{ type: 'pause' }, { ids: ['a'] }, 'nonsense'],
    ] as const) {
      const refused = orchestrator.bulk.apply(wanted, filter, { token: with_, by });
      await expect(refused).rejects.toMatchObject({ code: 'bulk-mismatch' });
    }
  });

  it('S238 signals once, however often a page is repeated', async () => {
    const orchestrator = await open();
    await orchestrator.start(waiting, { id: 'other' });
    await orchestrator.start(listening, { id: 'l' });
    const filter: BulkFilter = { plan: 'Listening' };
    const signal: BulkAction = { type: 'signal', name: 'later', payload: { n: 1 } };
    const { token, count } = await orchestrator.bulk.preview(signal, filter);
    expect(count).toBe(1);
    for (let i = 0; i < 2; i += 1) {
      const page = await orchestrator.bulk.apply(signal, filter, { token, by: 'ada' });
      expect(page.outcomes).toEqual([{ run: 'l', outcome: 'done' }]);
    }
    const events = await orchestrator.runs.events('l');
    expect(events.filter(({ type }) => type === 'signal.received')).toHaveLength(1);
  });

  it('S238 retries what failed as forks, one each, and what is blocked where it is', async () => {
    const orchestrator = await open();
    await (await orchestrator.start(failing, { id: 'f' })).result();
    const onFailure = { onFailure: 'replan' };
    await orchestrator.start(plan([action('a', onFailure)]).plan, { id: 'blocked' });
    expect(await orchestrator.settled('blocked')).toBe('blocked');
    isBroken = false;
    const filter: BulkFilter = { createdAfter: 0 };
    const { token, count } = await orchestrator.bulk.preview({ type: 'retry' }, filter);
    expect(count).toBe(2);
    const outcomes = await applyAll(orchestrator, { type: 'retry' }, filter, token, 1);
    const [blocked, forked] = outcomes;
    expect(blocked).toEqual({ run: 'blocked', outcome: 'done', detail: { nodes: ['a'] } });
    const fork = String(forked?.detail?.fork);
    expect((await orchestrator.result(fork)).status).toBe('completed');
    expect((await orchestrator.result('blocked')).status).toBe('completed');
    const again = await orchestrator.bulk.apply({ type: 'retry' }, filter, {
      token,
      by: 'ada',
      allowChanges: true,
    });
    expect(again.outcomes).toEqual([{ run: 'f', outcome: 'done', detail: { fork } }]);
    expect(Object.keys(await statusesOf(orchestrator))).toHaveLength(3);
  });

  it('S238 retries each of several runs whose long ids begin alike', async () => {
    const orchestrator = await open();
    const ids = ['a', 'b', 'c'].map((end) => `${'x'.repeat(127)}${end}`);
    for (const id of ids) await (await orchestrator.start(failing, { id })).result();
    isBroken = false;
    const filter: BulkFilter = { status: ['failed'] };
    const { token } = await orchestrator.bulk.preview({ type: 'retry' }, filter);
    const outcomes = await applyAll(orchestrator, { type: 'retry' }, filter, token, 10);
    const forks = outcomes.map(({ detail }) => String(detail?.fork));
    expect(new Set(forks).size).toBe(3);
    for (const fork of forks) expect((await orchestrator.result(fork)).status).toBe('completed');
  });

  it('S238 goes on after a page whose answer was lost, and hits nobody twice and nobody newer', async () => {
    const orchestrator = await open();
    for (const id of ['a', 'b', 'c', 'd']) await orchestrator.start(waiting, { id });
    const filter: BulkFilter = { createdAfter: 0 };
    const cancel: BulkAction = { type: 'cancel' };
    const { token } = await orchestrator.bulk.preview(cancel, filter);
    const apply = (more: { cursor?: string; allowChanges?: boolean } = {}) =>
      orchestrator.bulk.apply(cancel, filter, { token, by: 'ada', limit: 2, ...more });
    const { cursor } = await apply();
    await orchestrator.start(waiting, { id: 'newer' });
    for (const id of ['d', 'c']) await orchestrator.result(id);
    await expect(apply()).rejects.toMatchObject({ code: 'bulk-changed', data: { count: 2 } });
    const rest = ['b', 'a'].map((run) => ({ run, outcome: 'done' }));
    expect(await apply({ allowChanges: true })).toMatchObject({ outcomes: rest });
    for (const id of ['b', 'a']) await orchestrator.result(id);
    // The page behind the one that was lost, come late.
    expect(await apply({ cursor: cursor ?? '' })).toEqual({ outcomes: [], cursor: null });
    for (const { id, status } of await orchestrator.runs.list()) {
      if (id === 'newer') expect(status).toBe('awaiting-human');
      const events = await orchestrator.runs.events(id);
      const asked = events.filter(({ type }) => type === 'run.cancel-requested').length;
      expect([id, asked]).toEqual([id, id === 'newer' ? 0 : 1]);
    }
  });

  it('S238 says of each run that refused why', async () => {
    const orchestrator = await open();
    const strict = { outputSchema: { type: 'object', required: ['n'] } };
    await orchestrator.start(plan([{ kind: 'signal', id: 'hear', signal: 'go', ...strict }]).plan, {
      id: 'strict',
    });
    await orchestrator.start(listening, { id: 'lenient' });
    const filter: BulkFilter = { createdAfter: 0 };
    const signal: BulkAction = { type: 'signal', name: 'go', payload: 3 };
    const { token } = await orchestrator.bulk.preview(signal, filter);
    expect(await applyAll(orchestrator, signal, filter, token, 10)).toEqual([
      { run: 'lenient', outcome: 'done' },
      {
        run: 'strict',
        outcome: 'refused',
        code: 'signal-invalid',
        message: expect.any(String),
      },
    ]);
  });

  it('S238 refuses a filter that says nothing, or what there is not', async () => {
    const { bulk } = await open();
    const cancel: BulkAction = { type: 'cancel' };
    const wrong: unknown[] = [
      {},
      null,
      [],
      { status: ['asleep'] },
      { status: [] },
      { ids: [] },
      { idz: ['a'] },
      { createdBefore: '30d' },
      { metadata: 'x' },
    ];
    for (const filter of wrong) {
      const refused = bulk.preview(cancel, filter as BulkFilter);
      await expect(refused).rejects.toMatchObject({ code: 'argument-invalid' });
    }
    await expect(bulk.preview({ type: 'erase' } as never, { ids: ['a'] })).rejects.toMatchObject({
      code: 'argument-invalid',
    });
  });

  it('S238 hits, whatever the filter, exactly the runs that fit it', async () => {
    const orchestrator = await open();
    const all: { id: string; team: string; title: string; createdAt: number }[] = [];
    for (let i = 0; i < 12; i += 1) {
      const [id, team] = [`r${i}`, ['red', 'blue', 'green'][i % 3] ?? ''];
      const draft = i % 2 === 0 ? waiting : listening;
      await orchestrator.start(draft, { id, metadata: { team } });
      const { createdAt } = await orchestrator.runs.summary(id);
      all.push({ id, team, title: draft.title, createdAt });
    }
    await orchestrator.start(
      plan([{ kind: 'subplan', id: 's', plan: 'inner' }], [], {
        plans: { inner: { title: 'Test', nodes: [approval('x')], edges: [] } },
      }).plan,
      { id: 'parent', metadata: { team: 'none' } },
    );
    const filters = fc.record(
      {
        plan: fc.constantFrom('Test', 'Listening'),
        team: fc.constantFrom('red', 'blue', 'green'),
        before: fc.nat(12),
        ids: fc.subarray(
          all.map(({ id }) => id),
          { minLength: 1 },
        ),
      },
      { requiredKeys: ['team'] },
    );
    await fc.assert(
      fc.asyncProperty(filters, async ({ plan: title, team, before, ids }) => {
        const limit = before === undefined ? undefined : (all[before]?.createdAt ?? 0);
        const expected = all.filter((run) => {
          if (run.team !== team || (title !== undefined && run.title !== title)) return false;
          if (limit !== undefined && run.createdAt >= limit) return false;
          return ids === undefined || ids.includes(run.id);
        });
        const { count, sample } = await orchestrator.bulk.preview(
          { type: 'cancel' },
          {
            metadata: { team },
            ...(title !== undefined && { plan: title }),
            ...(limit !== undefined && { createdBefore: limit }),
            ...(ids !== undefined && { ids }),
          },
        );
        expect(count).toBe(expected.length);
        expect(sample.map(({ id }) => id)).toEqual(expected.map(({ id }) => id).reverse());
      }),
      { numRuns: 60 },
    );
  });
});

it('S238 goes over HTTP with the same token and the same outcomes', async () => {
  const site = await openSite({ work: () => 1 });
  onTestFinished(() => site.close());
  await site.orchestrator.start(plan([approval('look')], chain()).plan, { id: 'a' });
  const wanted = { action: { type: 'cancel', reason: 'tidying' }, filter: { ids: ['a'] } };
  const { token, count } = await bodyOf<{ token: string; count: number }>(
    site.post('/bulk/preview', wanted),
  );
  expect(count).toBe(1);
  const page = await bodyOf(site.post('/bulk/apply', { ...wanted, token, by: 'ada' }));
  expect(page).toEqual({ outcomes: [{ run: 'a', outcome: 'done' }], cursor: null });
  const other = { action: { type: 'pause' }, filter: { ids: ['a'] }, token, by: 'ada' };
  expect(await bodyOf(site.post('/bulk/apply', other))).toMatchObject({ code: 'bulk-mismatch' });
  expect((await site.post('/bulk/preview', { action: { type: 'x' }, filter: {} })).status).toBe(
    400,
  );
});

it('S238 promise 14: token and cursor are the same whatever others have, and reach no run of theirs', async () => {
  const told = async (others: number) => {
    let made = 0;
    const kit = await testKit({ handlers: { work: () => 1 } });
    const { orchestrator } = kit;
    for (let n = 0; n < others; n += 1) {
      await kit.ask(() => orchestrator.forTenant('globex').start(waiting, { id: `g${n}` }));
    }
    const acme = orchestrator.forTenant('acme');
    for (const id of ['a', 'b', 'c']) await kit.ask(() => acme.start(waiting, { id }));
    for (const id of ['a', 'b', 'c']) await kit.settle(await kit.get(`acme~${id}`));
    const action = { type: 'pause' } as const;
    const filter = { plan: 'Test' };
    const { token } = await acme.bulk.preview(action, filter);
    const [, ...rest] = JSON.parse(Buffer.from(token, 'base64url').toString()) as unknown[];
    const first = await kit.ask(() =>
      acme.bulk.apply(action, filter, { token, by: 'ada', limit: 2 }),
    );
    for (const cursor of [first.cursor ?? '', Buffer.from('["globex~g0"]').toString('base64url')]) {
      const next = kit.ask(() => acme.bulk.apply(action, filter, { token, by: 'ada', cursor }));
      const page = await next.catch((error: { code: string }) => error.code);
      made += typeof page === 'string' ? 0 : page.outcomes.length;
      if (typeof page === 'string') expect(page).toBe('bulk-changed');
    }
    expect(made).toBe(1);
    return { rest, cursor: first.cursor };
  };
  expect(await told(0)).toEqual(await told(7));
});
