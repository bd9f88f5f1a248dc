import { describe, expect, it } from 'vitest';
import { type TestKit, type TestRun, testKit } from '../../src/testing/index.js';
import type { Explanation, ExplanationCause } from '../../src/views.js';
import { action, approval, chain, edge, join, plan, switchNode } from '../support/plans.js';

function refuse(failureClass = 'network'): never {
  throw Object.assign(new Error('no luck'), { class: failureClass, code: 'E_NET' });
}

const handlers = {
  work: (input: unknown) => input ?? {},
  fail: () => refuse(),
  stubborn: () => {
    throw Object.assign(new Error('never'), { retryable: false });
  },
  score: () => ({ score: 0.4, text: 'x'.repeat(5_000) }),
  decide: () => ({ ok: true, action: 'answer', output: { q: 1 } }),
};
const by = (id: string, handler: string, more: object = {}) => action(id, { handler, ...more });

type Drafts = Parameters<typeof plan>;

async function started(...draft: Drafts) {
  const kit = await testKit({ handlers });
  return { kit, run: await kit.run(plan(...draft).plan, { input: { x: 1 } }) };
}

function why({ kit, run }: { kit: TestKit; run: TestRun }, node: string): Promise<Explanation> {
  return kit.runs.why(run.id, node);
}

function codesOf({ causes }: Explanation): string[] {
  return causes.map(({ code }) => code);
}

/** A cause by its code, wherever it is. */
function find(
  { causes }: Pick<ExplanationCause, 'causes'>,
  code: string,
): ExplanationCause | undefined {
  for (const one of causes) {
    const found = one.code === code ? one : find(one, code);
    if (found !== undefined) return found;
  }
  return undefined;
}

describe('why a node is pending', () => {
  it('S218 names the undecided edges, the rule of a join, and follows them to who is asked', async () => {
    const at = await started(
      [
        by('s', 'score'),
        action('hi'),
        approval('ask', { responders: ['ada'], deadlineMs: 60_000 }),
        join('both', { rule: { when: 'taken >= 1 && open == 0' } }),
      ],
      [
        edge('s', 'hi', { when: 'output.score >= 0.8' }),
        edge('s', 'ask'),
        edge('hi', 'both'),
        edge('ask', 'both'),
      ],
    );
    const both = await why(at, 'both');
    expect(both).toMatchObject({ status: 'pending', since: null, attempt: 0 });
    expect(codesOf(both)).toEqual(['join-rule', 'edge-undecided']);
    expect(find(both, 'join-rule')?.detail.counts).toEqual({
      taken: 0,
      dead: 1,
      failed: 0,
      open: 1,
      total: 2,
    });
    const task = find(both, 'task-open');
    expect(task?.detail).toMatchObject({ kind: 'human-approval', responders: ['ada'] });
    expect(both.lines.at(-1)).toMatch(/^ {4}task .* is open, until .* UTC: ada may answer$/);
    expect((await why(at, 'ask')).causes).toEqual([task]);
  });

  it('S218 says that a run is paused, scheduled, or asks for its budget', async () => {
    const kit = await testKit({ handlers });
    const paused = await kit.start(plan([by('a', 'score'), action('b')], chain('a', 'b')).plan);
    await kit.pause(paused);
    expect(codesOf(await kit.runs.why(paused.id, 'b'))).toEqual(['run-paused']);
    const startAt = kit.clock.now() + 60_000;
    const later = await kit.start(plan([action('a')]).plan, { startAt });
    const scheduled = await kit.runs.why(later.id, 'a');
    expect(find(scheduled, 'run-not-started')?.detail).toEqual({ startAt });
    const budget = { maxSteps: 1, onExhausted: 'ask' };
    const at = await started([action('a'), action('b'), action('c')], chain('a', 'b', 'c'), {
      budget,
    });
    expect(codesOf(await why(at, 'c'))[0]).toBe('run-awaits-grant');
  });
});

describe('why a node is skipped', () => {
  it('S218 follows dead edges to the condition that decided, with the values that it read', async () => {
    const when = 'output.score >= 0.8 && size(output.text) > inputs.x && !has(output.none)';
    const at = await started(
      [by('s', 'score'), action('hi'), action('after')],
      [edge('s', 'hi', { when }), edge('hi', 'after')],
    );
    const after = await why(at, 'after');
    expect(after.status).toBe('skipped');
    expect(codesOf(after)).toEqual(['no-live-branch', 'source-skipped']);
    const condition = find(after, 'edge-condition');
    expect(condition?.detail).toMatchObject({ edge: 's->hi', condition: when, result: false });
    expect(condition?.detail.values).toEqual([
      { path: 'output.score', value: 0.4 },
      { path: 'output.text', value: expect.stringMatching(/^"x{999}$/), isCut: true },
      { path: 'inputs.x', value: 1 },
      { path: 'output.none', isMissing: true },
    ]);
    const lines = after.lines.map((line) => line.trim());
    expect(lines).toContain(`edge s->hi is dead: ${when} is false`);
    expect(lines).toContain('output.score was 0.4');
    expect(lines).toContain('output.none does not exist');
    const event = at.run.log.find((one) => one.seq === after.since?.seq);
    expect(event).toMatchObject({ type: 'node.skipped', node: 'after' });
  });

  it('S218 reads own properties only, and nodes as they were when the condition was asked', async () => {
    const when = 'has(output.toString) || has(nodes["late"].output)';
    const at = await started(
      [by('s', 'score'), approval('late'), action('a')],
      [edge('s', 'a', { when })],
    );
    await at.kit.respond(at.run, 'late', { approved: true });
    const values = find(await why(at, 'a'), 'edge-condition')?.detail.values;
    expect(values).toEqual([
      { path: 'output.toString', isMissing: true },
      { path: 'nodes.late.output', isMissing: true },
    ]);
  });

  it('S218 tells actions, defaults, exclusive switches and approvals apart', async () => {
    const at = await started(
      [
        by('d', 'decide'),
        ...['a', 'b', 'c', 'x', 'y', 'no'].map((id) => action(id)),
        switchNode('sw'),
        approval('ask'),
      ],
      [
        edge('d', 'a', { on: 'search' }),
        edge('d', 'b', { on: 'answer' }),
        edge('d', 'c', { default: true }),
        edge('b', 'sw'),
        edge('sw', 'x', { when: 'input.q == 1' }),
        edge('sw', 'y', { when: 'input.q == 1' }),
        edge('ask', 'no'),
      ],
    );
    await at.kit.respond(at.run, 'ask', { approved: false });
    const codes = async (node: string) => codesOf(await why(at, node)).at(-1);
    expect(await codes('a')).toBe('edge-action');
    expect(find(await why(at, 'a'), 'edge-action')?.detail).toMatchObject({ action: 'answer' });
    expect(await codes('c')).toBe('edge-default');
    expect(await codes('y')).toBe('edge-not-asked');
    expect(await codes('no')).toBe('edge-approval');
    expect(find(await why(at, 'no'), 'edge-approval')?.detail.given).toBe('rejected');
  });

  it('S218 follows a failed node before it, and a policy that skips', async () => {
    const at = await started(
      [
        by('f', 'fail', { onFailure: 'continue' }),
        action('g'),
        by('s', 'fail', { onFailure: 'skip' }),
      ],
      chain('f', 'g'),
    );
    const g = await why(at, 'g');
    expect(codesOf(g)).toEqual(['upstream-failed', 'source-failed']);
    expect(find(g, 'failure-policy')?.detail).toEqual({ policy: 'continue' });
    const s = await why(at, 's');
    expect(s.status).toBe('skipped');
    expect(codesOf(s)).toEqual(['reason', 'attempt-failed', 'tries-used-up', 'failure-policy']);
    expect(find(s, 'failure-policy')?.detail).toEqual({ policy: 'skip' });
  });
});

describe('why a node failed', () => {
  it('S218 lists the attempts, why no retry was left, and the policy', async () => {
    const retry = { maxAttempts: 3 };
    const at = await started([
      by('tries', 'fail', { retry, onFailure: { network: 'continue' } }),
      by('class', 'fail', { retry: { ...retry, retryOn: ['timeout'] }, onFailure: 'continue' }),
      by('final', 'stubborn', { retry, onFailure: 'continue' }),
    ]);
    const tries = await why(at, 'tries');
    expect(tries).toMatchObject({ status: 'failed', attempt: 3 });
    expect(codesOf(tries)).toEqual([
      'reason',
      ...['attempt-failed', 'attempt-failed', 'attempt-failed'],
      'tries-used-up',
      'failure-policy',
    ]);
    expect(tries.lines).toContain('  attempt 1 failed, class network, E_NET: no luck');
    expect(find(tries, 'failure-policy')?.detail).toEqual({ policy: 'continue', class: 'network' });
    expect(codesOf(await why(at, 'class'))).toContain('class-not-retried');
    expect(codesOf(await why(at, 'final'))).toContain('not-retryable');
  });

  it('S218 shows the condition that could not be evaluated, and the branch that failed a join', async () => {
    const broken = await started(
      [action('a'), action('b')],
      [edge('a', 'b', { when: 'output.nope > 1' })],
    );
    const b = await why(broken, 'b');
    expect(b.status).toBe('failed');
    expect(find(b, 'edge-condition-error')?.detail).toMatchObject({
      result: null,
      values: [{ path: 'output.nope', isMissing: true }],
    });
    const joined = await started(
      [by('f', 'fail', { onFailure: 'continue' }), action('a'), join('j')],
      [edge('f', 'j'), edge('a', 'j')],
    );
    const j = await why(joined, 'j');
    expect(codesOf(j)).toEqual(['reason', 'failure-policy', 'join-rule', 'source-failed']);
  });

  it('S218 names what failed inside of a composite, and the run of a subplan', async () => {
    const onFailure = 'continue';
    const at = await started(
      [
        { kind: 'loop', id: 'l', onFailure, maxIterations: 2, body: { nodes: [by('w', 'fail')] } },
        { kind: 'map', id: 'm', onFailure, handler: 'fail', items: '[1, 2, 3]' },
        { kind: 'subplan', id: 'sub', onFailure, plan: 'child' },
      ],
      [],
      { plans: { child: { title: 'Child', nodes: [by('w', 'fail')], edges: [] } } },
    );
    expect(find(await why(at, 'l'), 'inside-failed')?.detail).toEqual({ node: 'l[1]/w' });
    expect(find(await why(at, 'm'), 'inside-failed')?.detail).toEqual({ node: 'm[0]' });
    const child = find(await why(at, 'sub'), 'child-run')?.detail.run;
    expect(await at.kit.runs.why(String(child), 'w')).toMatchObject({ status: 'failed' });
    expect(codesOf(await why(at, 'm[0]'))).toContain('map-policy');
    expect(codesOf(await why(at, 'm[2]'))).toEqual(['host-failed']);
  });
});

describe('why a node is at work', () => {
  it('S218 says since when an attempt works, and which timers are armed', async () => {
    const kit = await testKit({ handlers });
    kit.faults.handler('work', { hangs: true });
    const draft = plan([action('a', { timeoutMs: 5_000, heartbeatMs: 3_000 }), action('b')]);
    const run = await kit.start(draft.plan, { concurrency: 1 });
    const a = await kit.runs.why(run.id, 'a');
    const now = kit.clock.now();
    expect(a.status).toBe('running');
    expect(codesOf(a)).toEqual(['attempt-open', 'timer', 'timer']);
    expect(a.causes[0]?.detail).toMatchObject({ attempt: 1, startedAt: now, isSubstitute: false });
    expect(a.causes.slice(1).map(({ detail }) => detail)).toEqual([
      { kind: 'timeout', dueAt: now + 5_000 },
      { kind: 'heartbeat', dueAt: now + 3_000 },
    ]);
    const b = await kit.runs.why(run.id, 'b');
    expect([b.status, codesOf(b)]).toEqual(['ready', ['waits-for-slot']]);
  });

  it('S218 says until when a node backs off, sleeps, or waits for a signal', async () => {
    const kit = await testKit({ handlers });
    const retry = { maxAttempts: 3, backoff: 'fixed', delayMs: 60_000 };
    const draft = plan([
      by('f', 'fail', { retry }),
      { kind: 'sleep', id: 'nap', duration: '2h' },
      { kind: 'signal', id: 'paid', signal: 'payment', deadlineMs: 600_000 },
    ]);
    const run = await kit.start(draft.plan);
    await kit.advance(1_000);
    const armed = run.log.find('timer.armed', { node: 'f' })?.detail.dueAt;
    const f = await kit.runs.why(run.id, 'f');
    expect([f.status, codesOf(f)]).toEqual(['ready', ['backing-off', 'attempt-failed']]);
    expect(f.causes[0]?.detail).toEqual({ dueAt: armed });
    const begun = run.log.find('run.created')?.at ?? 0;
    const nap = await kit.runs.why(run.id, 'nap');
    expect(nap.causes[0]).toMatchObject({ code: 'sleeping', detail: { dueAt: begun + 7_200_000 } });
    const paid = await kit.runs.why(run.id, 'paid');
    expect(paid.causes[0]).toMatchObject({
      code: 'awaits-signal',
      detail: { signal: 'payment', dueAt: begun + 600_000 },
    });
  });

  it('S218 says what works in place of what failed, and which level an escalation is at', async () => {
    const kit = await testKit({ handlers });
    kit.faults.handler('work', { hangs: true });
    const draft = plan([
      by('f', 'fail', { onFailure: 'fallback', fallback: { handler: 'work' } }),
      by('e', 'fail', {
        onFailure: 'escalate',
        escalation: [{ responders: ['ada'], delayMs: 60_000 }],
      }),
    ]);
    const run = await kit.start(draft.plan);
    await kit.advance(0);
    const f = await kit.runs.why(run.id, 'f');
    expect(f.causes[0]?.detail).toMatchObject({ attempt: 2, isSubstitute: true });
    expect(codesOf(f)).toEqual(['attempt-open', 'attempt-failed']);
    const e = await kit.runs.why(run.id, 'e');
    expect(e.causes).toMatchObject([
      { code: 'escalating', detail: { level: 1, dueAt: kit.clock.now() + 60_000 } },
    ]);
  });

  it('S218 S234 says who is asked to judge what was given, or will be', async () => {
    const kit = await testKit({ handlers });
    const escalation = [{ responders: ['ada'], delayMs: 60_000 }];
    const ask = { responders: ['bob'], deadlineMs: 1_000, escalation };
    const checks = [{ name: 'liked', threshold: 7, ask }];
    const run = await kit.start(plan([by('a', 'work', { checks })]).plan);
    await kit.advance(0);
    const asked = await kit.runs.why(run.id, 'a');
    expect(asked.causes).toMatchObject([
      { code: 'task-open', detail: { kind: 'human-check', responders: ['bob'] } },
      { code: 'judged', detail: { attempt: 1, check: 'liked', threshold: 7, level: 0 } },
    ]);
    await kit.advance(1_001);
    const delayed = await kit.runs.why(run.id, 'a');
    const raised = run.log.find('escalation.raised')?.at ?? 0;
    expect(delayed.causes).toMatchObject([
      { code: 'escalating', detail: { level: 1, check: 'liked', dueAt: raised + 60_000 } },
    ]);
  });

  it('S218 S234 says whose answer is checked, what refused one, and who has judged it', async () => {
    const kit = await testKit({ handlers: { ...handlers, sound: () => false } });
    kit.faults.handler('sound', { hangs: true });
    const checks = [
      { name: 'sound', handler: 'sound', severity: 'warning' },
      { name: 'liked', ask: {} },
    ];
    const run = await kit.start(plan([approval('ask', { checks })]).plan);
    const say = async (responder: string, response: object) => {
      const { tasks } = kit.orchestrator;
      const [task] = await tasks.list({ run: run.id });
      await tasks.respond(task?.id ?? '', { response: response as never, responder });
      await kit.advance(0);
    };
    await say('ann', { approved: true });
    expect((await kit.runs.why(run.id, 'ask')).lines[1]).toMatch(
      /^ {2}attempt 1 has its answer checked, since .*, by ann$/,
    );
    await kit.restart();
    await kit.advance(0);
    expect((await kit.runs.why(run.id, 'ask')).causes).toMatchObject([
      { code: 'task-open', detail: { kind: 'human-check' } },
      { code: 'judged', message: expect.stringMatching('it was answered approved, as attempt 1') },
    ]);
    await say('bob', { approved: false });
    expect(codesOf(await kit.runs.why(run.id, 'ask'))).toEqual(['task-open', 'attempt-failed']);
    await say('ann', { approved: true });
    await say('bob', { approved: true });
    expect((await kit.runs.why(run.id, 'ask')).causes).toMatchObject([
      { code: 'entry' },
      { code: 'answered', detail: { responder: 'ann', outcome: 'approved', attempt: 2 } },
      { code: 'answered', detail: { responder: 'bob', outcome: 'approved' } },
      { code: 'attempt-completed' },
      { code: 'output' },
    ]);
  });

  it('S218 says what goes on inside of loops, maps and subplans', async () => {
    const kit = await testKit({ handlers });
    kit.faults.handler('work', { hangs: true, times: 10 });
    const until = 'nodes["r"].outcome == "approved"';
    const draft = plan(
      [
        { kind: 'loop', id: 'l', maxIterations: 9, until, body: { nodes: [approval('r')] } },
        { kind: 'map', id: 'm', handler: 'work', items: '[1, 2, 3]', concurrency: 2 },
        { kind: 'subplan', id: 'sub', plan: 'child' },
        action('end'),
      ],
      chain('sub', 'end'),
      { plans: { child: { title: 'Child', nodes: [approval('ask')], edges: [] } } },
    );
    const run = await kit.start(draft.plan);
    const [l, m, sub] = [
      await kit.runs.why(run.id, 'l'),
      await kit.runs.why(run.id, 'm'),
      await kit.runs.why(run.id, 'sub'),
    ];
    expect(l.causes).toMatchObject([
      { code: 'inside', detail: { inside: 'l[1]', counts: { 'awaiting-human': 1 } } },
    ]);
    expect(m.causes[0]?.detail.counts).toEqual({ running: 2 });
    expect(sub.causes).toMatchObject([
      { code: 'child-run', causes: [{ detail: { node: 'ask', status: 'awaiting-human' } }] },
    ]);
    const item = await kit.runs.why(run.id, 'm[2]');
    expect([item.status, codesOf(item)]).toEqual(['pending', ['host']]);
    expect((await kit.runs.why(run.id, 'l[1]/r')).status).toBe('awaiting-human');
    const next = await kit.runs.why(run.id, 'l[2]/r');
    expect(next.lines.at(-1)).toBe('  "l" is running, and is at "l[1]"');
  });

  it('S218 says what people are asked about work that failed, and what unblocks a node', async () => {
    const at = await started([
      by('review', 'fail', { onFailure: 'human-review' }),
      by('stuck', 'fail', { onFailure: 'replan' }),
    ]);
    const review = await why(at, 'review');
    expect(review.status).toBe('awaiting-human');
    expect(codesOf(review).slice(0, 3)).toEqual(['task-open', 'reason', 'attempt-failed']);
    const stuck = await why(at, 'stuck');
    expect(stuck.status).toBe('blocked');
    expect(codesOf(stuck)[0]).toBe('reason');
    expect(codesOf(stuck).at(-1)).toBe('unblocks');
  });
});

describe('why a node is cancelled', () => {
  it('S218 names who cancelled the run, also for nodes that were never touched', async () => {
    const at = await started([approval('ask'), action('a')], chain('ask', 'a'));
    await at.kit.cancel(at.run, { by: 'ada', reason: 'enough' });
    for (const node of ['ask', 'a']) {
      const explanation = await why(at, node);
      expect(explanation.status).toBe('cancelled');
      expect(explanation.since).not.toBeNull();
      expect(explanation.causes).toMatchObject([
        { code: 'run-cancelled', detail: { by: 'ada', reason: 'enough' } },
      ]);
    }
  });

  it('S218 names the failure that ended the run, or the join that had decided', async () => {
    const failed = await started([by('f', 'fail'), action('after')], chain('f', 'after'));
    expect((await why(failed, 'after')).causes).toMatchObject([
      { code: 'run-ending', detail: { node: 'f', status: 'failed' } },
    ]);
    const race = await started(
      [action('a'), approval('slow'), join('first', { rule: 'any', cancelRest: true })],
      [edge('a', 'first'), edge('slow', 'first')],
    );
    expect((await why(race, 'slow')).causes).toMatchObject([
      { code: 'race-decided', detail: { join: 'first' } },
    ]);
    const body = { nodes: [by('f', 'fail'), approval('slow')] };
    const loop = { kind: 'loop', id: 'l', maxIterations: 1, onFailure: 'skip', body };
    expect((await why(await started([loop]), 'l[1]/slow')).causes).toMatchObject([
      { code: 'host-failed', detail: { node: 'l' } },
    ]);
  });
});

describe('why a node is completed', () => {
  it('S218 names the edges that brought its input, its output, and who answered', async () => {
    const at = await started(
      [by('s', 'score'), approval('ask'), action('go')],
      [edge('s', 'ask', { when: 'output.score < 0.8' }), edge('ask', 'go')],
    );
    await at.kit.respond(at.run, 'ask', { approved: true }, { responder: 'ada' });
    expect(codesOf(await why(at, 's'))).toEqual(['entry', 'attempt-completed', 'output']);
    const ask = await why(at, 'ask');
    expect(codesOf(ask)).toEqual(['edge-condition', 'answered', 'output']);
    expect(find(ask, 'answered')?.detail).toMatchObject({ responder: 'ada', outcome: 'approved' });
    const go = await why(at, 'go');
    expect(codesOf(go)).toEqual(['edge-approval', 'attempt-completed', 'output']);
    expect(go.lines.at(-1)).toBe('  its output has 17 characters of JSON: {"approved":true}');
  });

  it('S218 tells a default output, failed items, and how a loop ended', async () => {
    const at = await started([
      by('d', 'fail', { onFailure: 'continue', defaultOutput: { a: 1 } }),
      { kind: 'map', id: 'm', handler: 'fail', items: '[1]', policy: 'collect' },
      { kind: 'loop', id: 'l', until: 'loop.index == 2', body: { nodes: [action('w')] } },
    ]);
    const d = await why(at, 'd');
    expect([d.status, codesOf(d)[1]]).toEqual(['partial', 'reason']);
    expect(codesOf(await why(at, 'm'))).toEqual(['entry', 'inside-partial', 'output']);
    const ended = find(await why(at, 'l'), 'loop-ended');
    expect(ended?.message).toBe('it ended after 3 iterations, by "until": loop.index == 2 is true');
    expect(ended?.causes).toMatchObject([{ detail: { path: 'loop.index', value: 2 } }]);
    expect(await why(at, 'l[2]/w')).toMatchObject({ status: 'completed', node: 'l[2]/w' });
  });

  it('S218 reads what an iteration knew of itself', async () => {
    const when = 'loop.item.v > 1 && loop.iteration < 9 && loop.input.x == 1';
    const body = { nodes: [action('a'), action('b')], edges: [edge('a', 'b', { when })] };
    const at = await started([
      { kind: 'loop', id: 'l', forEach: '[{"v": 1}, {"v": 2}]', body },
      { kind: 'loop', id: 'w', while: 'loop.iteration < 3', body: { nodes: [action('a')] } },
    ]);
    expect(find(await why(at, 'l[2]/b'), 'edge-condition')?.detail.values).toEqual([
      { path: 'loop.item.v', value: 2 },
      { path: 'loop.iteration', value: 2 },
      { path: 'loop.input.x', value: 1 },
    ]);
    expect((await why(at, 'w')).lines.slice(-3, -1)).toEqual([
      '  it ended after 2 iterations, by "while": loop.iteration < 3 is false',
      '    loop.iteration was 3',
    ]);
  });

  it('S218 explains compensations and generations', async () => {
    const undone = await started(
      [action('charge', { compensate: { handler: 'work' } }), by('ship', 'fail')],
      chain('charge', 'ship'),
    );
    const compensation = await why(undone, '~/charge');
    expect(compensation.status).toBe('completed');
    expect(codesOf(compensation).slice(0, 2)).toEqual(['undoes', 'run-ending']);

    let calls = 0;
    const flaky = () => {
      calls += 1;
      return calls === 1 ? refuse() : calls;
    };
    const kit = await testKit({ handlers: { ...handlers, flaky } });
    const backtrack = { onFailure: 'backtrack', backtrack: { to: 'a' } };
    const draft = plan([action('a'), by('b', 'flaky', backtrack)], chain('a', 'b'));
    const run = await kit.run(draft.plan);
    const b = await kit.runs.why(run.id, 'b');
    expect(b).toMatchObject({ status: 'completed', generation: 2, attempt: 1 });
    expect(b.causes[0]).toMatchObject({ code: 'generation', detail: { generation: 2 } });
    expect(b.lines[1]).toMatch(/^ {2}it is generation 2: "b" failed and the run went back to "a"/);
  });
});

describe('why, where there is no such node', () => {
  it('S218 refuses nodes, items and iterations that are not there', async () => {
    const at = await started([
      action('a'),
      { kind: 'map', id: 'm', handler: 'work', items: '[1]' },
      { kind: 'loop', id: 'l', maxIterations: 1, body: { nodes: [action('w')] } },
    ]);
    for (const node of ['nope', 'm[1]', 'l[2]/w', 'l/w', 'a[0]', '~/a', '']) {
      await expect(why(at, node)).rejects.toMatchObject({ code: 'node-unknown' });
    }
    await expect(at.kit.runs.why('nope', 'a')).rejects.toMatchObject({ code: 'run-unknown' });
  });

  it('S218 stays within bounds on long chains and wide joins', async () => {
    const ids = Array.from({ length: 300 }, (_, i) => `n${i}`);
    const at = await started(
      [approval('ask'), ...ids.map((id) => action(id)), join('j')],
      [edge('ask', 'n0'), ...chain(...ids), ...ids.map((id) => edge(id, 'j'))],
    );
    const last = await why(at, 'n299');
    expect(find(last, 'more')).toBeDefined();
    expect(last.lines.length).toBeLessThan(40);
    expect((await why(at, 'j')).lines.length).toBeLessThan(500);
  });
});
