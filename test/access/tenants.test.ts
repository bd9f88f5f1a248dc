import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { external } from '../../src/index.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import type { OrchestratorView } from '../../src/orchestrator-view.js';
import { plan } from '../../src/plan/builder.js';
import { testKit } from '../../src/testing/index.js';

const approval = plan('Ask')
  .approval('ask', { responders: ['ann', 'bob'] })
  .build();
const echo = plan('Echo').action('echo', { handler: 'echo' }).build();
const handlers = { echo: (input: unknown) => ({ output: input }) };
const cadence = { everyMs: 3_600_000 };

let folder: string;
let orchestrator: Orchestrator;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'runchart-tenants-'));
  orchestrator = await createOrchestrator({ url: join(folder, 'runs.db'), handlers });
});
afterAll(async () => {
  await orchestrator.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Everything that can be asked of a run, a task and a schedule by its id. */
function questions(view: OrchestratorView, run: string, task: string, schedule: string) {
  const by = { by: 'eve' };
  const file = join(folder, 'none.jsonl');
  return {
    summary: () => view.runs.summary(run),
    details: () => view.runs.details(run),
    result: () => view.runs.result(run),
    'awaited result': () => view.result(run),
    settled: () => view.settled(run),
    nodeRuns: () => view.runs.nodeRuns(run),
    diagram: () => view.runs.diagram(run),
    stateAt: () => view.runs.stateAt(run, 1),
    replay: () => view.runs.replay(run),
    verify: () => view.runs.verify(run),
    export: () => view.runs.export(run).next(),
    why: () => view.runs.why(run, 'ask'),
    events: () => view.runs.events(run),
    'live events': () => view.events(run).next(),
    changes: () => view.runs.changes(run),
    attempts: () => view.runs.attempts(run, 'ask'),
    artifacts: () => view.runs.artifacts(run),
    artifact: () => view.runs.artifact(run, 'a'),
    'tasks of it': () => view.tasks.list({ run }),
    'list before': () => view.runs.list({ before: run }),
    task: () => view.tasks.get(task),
    responses: () => view.tasks.responses(task),
    respond: () => view.respond(task, { response: { approved: true }, responder: 'ann' }),
    claim: () => view.tasks.claim(task, { by: 'ann' }),
    release: () => view.tasks.release(task, { by: 'ann' }),
    delegate: () => view.tasks.delegate(task, { by: 'ann', to: 'bob' }),
    assign: () => view.tasks.assign(task, { to: 'bob' }),
    extend: () => view.tasks.extend(task, { deadlineAt: 9e12 }),
    cancel: () => view.cancel(run),
    annotate: () => view.annotate(run, { seen: true }),
    signal: () => view.signal(run, 'go'),
    retryNode: () => view.retryNode(run, 'ask'),
    step: () => view.step(run),
    pause: () => view.pause(run),
    resume: () => view.resume(run),
    completeNode: () => view.change.completeNode(run, 'ask', { ...by, outcome: 'approved' }),
    skipNode: () => view.change.skipNode(run, 'ask', by),
    patchInput: () => view.change.patchInput(run, 'ask', { ...by, input: {} }),
    rollback: () => view.change.rollback(run, 'ask', by),
    replan: () => view.change.replan(run, approval, by),
    fork: () => view.change.fork(run, by),
    retry: () => view.change.retry(run, by),
    replace: () => view.change.replace(run, approval, by),
    schedule: () => view.schedules.get(schedule),
    'schedule update': () => view.schedules.update(schedule, { label: 'x' }),
    'schedule pause': () => view.schedules.pause(schedule),
    'schedule resume': () => view.schedules.resume(schedule),
    'schedule trigger': () => view.schedules.trigger(schedule),
    'schedule preview': () => view.schedules.preview(schedule),
    import: () => view.import(file),
  };
}

async function refusalOf(ask: () => Promise<unknown>): Promise<{ code: string; message: string }> {
  const answer = await ask().catch((error: Error & { code: string }) => error);
  return answer instanceof Error
    ? { code: (answer as Error & { code: string }).code, message: answer.message }
    : { code: 'none', message: JSON.stringify(answer) };
}

describe('a tenant', () => {
  it('promise 14: is answered alike about what is another tenant’s and what is not there', async () => {
    const owner = orchestrator.forTenant('acme');
    await owner.start(approval, { id: 'secret-run' });
    await owner.settled('secret-run');
    const [task] = await owner.tasks.list();
    await owner.schedules.create({ id: 'secret-schedule', plan: echo, cadence });
    const theirs = ['acme~secret-run', task?.id ?? '', 'acme~secret-schedule'] as const;
    const absent = ['acme~missing-run', `${task?.id}0`, 'acme~missing-schedule'] as const;
    const before = await owner.runs.events('secret-run');
    for (const view of [orchestrator.forTenant('globex'), orchestrator.forTenant('')]) {
      const asked = questions(view, ...theirs);
      const missed = questions(view, ...absent);
      for (const name of Object.keys(asked) as (keyof typeof asked)[]) {
        const refusal = await refusalOf(asked[name]);
        const unknown = await refusalOf(missed[name]);
        expect(refusal.code, name).toBe(unknown.code);
        expect(refusal.code, name).toMatch(/unknown|argument-invalid|export-damaged|cannot-open/);
        const named = (text: string, ids: readonly string[]) =>
          ids.reduce((all, id) => all.replaceAll(id, 'ID'), text);
        expect(named(refusal.message, theirs)).toBe(named(unknown.message, absent));
      }
      expect(await view.schedules.remove(theirs[2])).toBe(false);
      expect(await view.runs.list()).toEqual([]);
      expect(await view.tasks.list()).toEqual([]);
      expect(await view.schedules.list()).toEqual([]);
      expect(view.live()).toEqual([]);
    }
    expect(await owner.runs.events('acme~secret-run')).toEqual(before);
  });

  it('S223 names its own runs by their local and by their full ids', async () => {
    const view = orchestrator.forTenant('local');
    const run = await view.start(echo, { id: 'mine', input: { n: 1 } });
    expect(run).toMatchObject({ id: 'local~mine', created: true });
    expect((await view.start(echo, { id: 'local~mine', input: { n: 1 } })).created).toBe(false);
    expect(await run.result()).toMatchObject({ id: 'local~mine', status: 'completed' });
    for (const id of ['mine', 'local~mine']) {
      expect(await view.runs.details(id)).toMatchObject({ id: 'local~mine' });
      expect((await view.runs.events(id))[0]).toMatchObject({ run: 'local~mine' });
      expect((await view.events(id).next()).value).toMatchObject({ id: 'local~mine/1' });
    }
    const elsewhere = view.start(echo, { id: 'globex~mine' });
    await expect(elsewhere).rejects.toMatchObject({ code: 'argument-invalid' });
    expect((await view.start(echo)).id).toMatch(/^local~[0-9a-f-]{36}$/);
    expect((await orchestrator.start(echo, { id: 'local~mine', input: { n: 1 } })).created).toBe(
      false,
    );
  });

  it('promise 14: keeps what comes of its runs: subplans, forks, replacements, occurrences, imports', async () => {
    const view = orchestrator.forTenant('heirs');
    const nested = plan('Outer').plan('inner', echo).subplan('sub', { plan: 'inner' }).build();
    const outer = await view.start(nested, { id: 'outer' });
    await outer.result();
    const forked = await view.change.fork('outer', { by: 'ann' });
    const named = await orchestrator.change.fork(outer.id, { by: 'ann', id: 'again' });
    await view.start(approval, { id: 'old' });
    await view.settled('old');
    const replaced = await view.change.replace('old', approval, { by: 'ann', id: 'new' });
    await view.schedules.create({ id: 'hourly', plan: echo, cadence });
    const triggered = await view.schedules.trigger('hourly');
    const file = join(folder, 'outer.jsonl');
    const lines: string[] = [];
    for await (const line of view.runs.export('outer')) lines.push(line);
    await writeFile(file, lines.join(''));
    const other = orchestrator.forTenant('movers');
    const imported = await other.import(file);
    expect([forked.id, named.id, replaced.id, triggered.run, imported.run]).toEqual([
      expect.stringMatching(/^heirs~/),
      'heirs~again',
      'heirs~new',
      expect.stringMatching(/^heirs~hourly:manual:/),
      'movers~outer',
    ]);
    const ids = (await view.runs.list({ limit: 100 })).map(({ id }) => id);
    // Two outer runs and a fork of each by name, a child each but for what forks carry over.
    expect(ids.every((id) => id.startsWith('heirs~'))).toBe(true);
    expect(ids.length).toBeGreaterThanOrEqual(7);
    expect(await other.runs.list()).toHaveLength(2);
    expect(await other.runs.verify('outer')).toMatchObject({ ok: true });
  });

  it('S232 S223 shares no key with another: neither singleton, nor debounce, nor concurrency', async () => {
    const single = (id: string) =>
      ({ id, singleton: { key: 'acme~k', onConflict: 'refuse' } }) as const;
    const views = ['', 'acme', 'b'].map((tenant) => orchestrator.forTenant(tenant));
    for (const view of views) await view.start(approval, single('only'));
    const key = { key: 'k', onConflict: 'refuse' } as const;
    await views[1]?.start(approval, { id: 'other-key', singleton: key });
    const again = views[1]?.start(approval, single('second'));
    await expect(again).rejects.toMatchObject({ code: 'run-conflict' });
    const at = views[1]?.start(echo, { debounce: { key: 'd', delayMs: 60_000 } });
    const bt = views[2]?.start(echo, { debounce: { key: 'd', delayMs: 60_000 } });
    expect((await views[1]?.runs.summary((await at)?.id ?? ''))?.status).toBe('pending');
    expect((await views[2]?.runs.summary((await bt)?.id ?? ''))?.status).toBe('pending');
    for (const view of views)
      for (const { id } of await view.runs.list()) await view.cancel(id).catch(() => {});
  });

  it('promise 14: gives its work to its own workers, and takes results from no others', async () => {
    const outside = await createOrchestrator({
      url: join(folder, 'work.db'),
      handlers: { far: external() },
    });
    const far = plan('Far').action('far', { handler: 'far' }).build();
    const [mine, theirs] = ['mine', 'theirs'].map((tenant) => outside.forTenant(tenant));
    await theirs?.start(far, { id: 'r' });
    const asked = { worker: 'w', capabilities: ['far'], limit: 10 };
    expect(await mine?.work.claim(asked)).toEqual([]);
    expect(mine?.work.offers()).toEqual([]);
    expect(theirs?.work.offers()).toMatchObject([{ waiting: 1 }]);
    const [claimed] = (await theirs?.work.claim(asked)) ?? [];
    expect(claimed?.run).toBe('theirs~r');
    const token = claimed?.token ?? '';
    for (const say of [
      () => mine?.work.heartbeat(token),
      () => mine?.work.progress(token, 1),
      () => mine?.work.complete(token, 'mine'),
      () => mine?.work.fail(token, { message: 'no' }),
      () => mine?.work.release(token),
    ]) {
      await expect(say()).rejects.toMatchObject({ code: 'run-unknown' });
    }
    await theirs?.work.complete(token, 'theirs');
    expect((await theirs?.result('r'))?.outputs).toEqual({ far: 'theirs' });
    await outside.close();
  });

  it('promise 14: does to many runs what it does to its own alone, be others named', async () => {
    const mine = orchestrator.forTenant('bulky');
    const theirs = orchestrator.forTenant('bystander');
    for (const view of [mine, theirs]) await view.start(approval, { id: 'r' });
    await theirs.settled('r');
    const waiting = { status: ['awaiting-human'] } as const;
    await mine.settled('r');
    for (const filter of [waiting, { ids: ['r', 'bystander~r'] }]) {
      const { token, ...preview } = await mine.bulk.preview({ type: 'pause' }, filter);
      expect(preview).toMatchObject({ count: 1, sample: [{ id: 'bulky~r' }] });
      const { outcomes } = await mine.bulk.apply({ type: 'pause' }, filter, { token, by: 'op' });
      expect(outcomes.map(({ run }) => run)).toEqual(['bulky~r']);
      await mine.resume('r');
    }
    expect((await theirs.runs.summary('r')).status).toBe('awaiting-human');
    const { token } = await theirs.bulk.preview({ type: 'cancel' }, waiting);
    const foreign = { token, by: 'op', allowChanges: true };
    // It names a run that is none of theirs to know.
    await expect(mine.bulk.apply({ type: 'cancel' }, waiting, foreign)).rejects.toMatchObject({
      code: 'bulk-changed',
    });
    expect((await mine.runs.summary('r')).status).toBe('awaiting-human');
    expect((await theirs.runs.summary('r')).status).toBe('awaiting-human');
  });

  it('promise 14: is shown no plan that it does not run', async () => {
    const view = orchestrator.forTenant('planner');
    const own = plan('Own').action('echo', { handler: 'echo' }).build();
    const { id } = await view.start(own);
    const { plan: hash } = await view.runs.summary(id);
    expect(await view.runs.plan(hash)).toMatchObject({ title: 'Own' });
    const theirs = orchestrator.forTenant('globex').runs.plan(hash);
    await expect(theirs).rejects.toMatchObject({ code: 'plan-unknown' });
  });

  it('refuses what is no name of a tenant', () => {
    for (const name of ['Acme', 'a~b', '-a', 'a'.repeat(33), 'a/b', 1 as unknown as string]) {
      expect(() => orchestrator.forTenant(name)).toThrow(/no name of a tenant/);
    }
  });
});

describe('tenants side by side', () => {
  it('promise 14: whatever they call their runs, each sees its own and no other', async () => {
    const names = fc.constantFrom('', 'a', 'b', 'a-b');
    const ids = fc.constantFrom('x', 'x:1', 'a', 'b', 'a-b', 'a.b', '_');
    const starts = fc.array(fc.record({ tenant: names, id: ids, n: fc.nat(1) }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(starts, async (steps) => {
        const kit = await testKit({ handlers });
        const expected = new Map<string, Map<string, number>>();
        for (const { tenant, id, n } of steps) {
          const own = expected.get(tenant) ?? new Map<string, number>();
          expected.set(tenant, own);
          const view = kit.orchestrator.forTenant(tenant);
          const started = await view
            .start(echo, { id, input: { n } })
            .then(({ created }) => created)
            .catch((error: { code: string }) => error.code);
          const known = own.get(id);
          expect(started).toBe(known === undefined ? true : known === n ? false : 'run-conflict');
          if (known === undefined) own.set(id, n);
        }
        for (const [tenant, own] of expected) {
          const view = kit.orchestrator.forTenant(tenant);
          const listed = await view.runs.list({ limit: 100 });
          const prefix = tenant === '' ? '' : `${tenant}~`;
          expect(listed.map(({ id }) => id).sort()).toEqual(
            [...own.keys()].map((id) => prefix + id).sort(),
          );
          for (const [id, n] of own) expect((await view.runs.details(id)).inputs).toEqual({ n });
        }
      }),
      { numRuns: 60 },
    );
  });

  it('S223 one with hundreds of runs in line holds up another’s one run by a turn', async () => {
    const order: string[] = [];
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const busy = await createOrchestrator({
      url: join(folder, 'busy.db'),
      limits: { concurrency: 1 },
      handlers: {
        echo: async (_: unknown, { run }: { run: string }) => {
          order.push(run);
          await gate;
          return {};
        },
      },
    });
    const crowd = busy.forTenant('crowd');
    const started = Array.from({ length: 500 }, (_, n) => crowd.start(echo, { id: `r${n}` }));
    await Promise.all(started);
    const lone = await busy.forTenant('lone').start(echo, { id: 'one' });
    open();
    await lone.result();
    expect(order.indexOf('lone~one')).toBeLessThanOrEqual(2);
    expect((await crowd.runs.list({ status: 'completed', limit: 1_000 })).length).toBeLessThan(100);
    await busy.close();
  });
});
