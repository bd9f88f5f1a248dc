/** Secrets that the present plan of a run does not name: those of a version before, and those of its parent. */
import { describe, expect, it } from 'vitest';
import { plan } from '../../src/plan/builder.js';
import type { JsonValue } from '../../src/plan/json.js';
import { MASK } from '../../src/plan/secrets.js';
import { type TestKit, testKit } from '../../src/testing/index.js';

const SECRET = 'hunter2-correct-horse';
const PIN = 4711;
const secretInput = {
  type: 'object',
  properties: {
    password: { type: 'string', writeOnly: true },
    pin: { type: 'integer', writeOnly: true },
  },
} as const;
const plainInput = { type: 'object' } as const;

/** Says its secret wherever a handler can. */
const say = (input: { password: string }) => ({
  ok: true,
  output: { said: input.password },
  notes: { used: input.password },
  artifacts: [{ name: 'log', kind: 'text', payload: `said ${input.password}` }],
  events: [{ name: 'said', detail: { password: input.password } }],
});

interface Told {
  readonly kit: TestKit;
  /** Bodies of webhooks, and what the bus told. */
  readonly sent: string[];
}

async function openTold(): Promise<Told> {
  const sent: string[] = [];
  const kit = await testKit({
    handlers: { say },
    sendWebhook: async ({ body }) => {
      sent.push(body);
      return { status: 204 };
    },
  });
  await kit.ask((orchestrator) => orchestrator.recover());
  kit.orchestrator.bus.subscribe('*', (event) => sent.push(JSON.stringify(event)));
  await kit.ask(({ webhooks }) => webhooks.add({ url: 'https://hooks.example.com/in' }));
  return { kit, sent };
}

/** Everything that is shown of a run. */
async function shownOf(kit: TestKit, id: string): Promise<Record<string, unknown>> {
  const { runs, tasks } = kit.orchestrator;
  const inspected: unknown[] = [];
  const { seq } = await runs.replay(id);
  for await (const told of kit.orchestrator.inspect(id, { actors: 'all', at: seq })) {
    inspected.push(told);
  }
  const nodes = await runs.nodeRuns(id);
  return {
    ...{ list: await runs.list(), details: await runs.details(id), nodes, inspected },
    ...{ result: await runs.result(id), events: await runs.events(id) },
    ...{ changes: await runs.changes(id), state: await runs.stateAt(id, seq) },
    ...{ replay: await runs.replay(id), artifacts: await runs.artifacts(id) },
    attempts: await Promise.all(nodes.map(({ node }) => runs.attempts(id, node))),
    why: await Promise.all(nodes.map(({ node }) => runs.why(id, node).catch(() => null))),
    artifact: await runs.artifact(id, 'log').catch(() => null),
    tasks: await tasks.list({ run: id }),
  };
}

/** `alsoShort` where all places are known in which its number is. */
async function expectMasked({ kit, sent }: Told, id: string, alsoShort = true): Promise<void> {
  await kit.settle(await kit.get(id));
  await kit.drain();
  for (const [name, view] of Object.entries(await shownOf(kit, id))) {
    expect(JSON.stringify(view), name).not.toContain(SECRET);
    if (alsoShort) expect(JSON.stringify(view), name).not.toContain(String(PIN));
  }
  expect(sent.length).toBeGreaterThan(10);
  expect(sent.join()).not.toContain(SECRET);
  expect(sent.join()).toContain(`"password":"${MASK}"`);
}

const before = plan('Before')
  .inputs(secretInput)
  .action('say', { handler: 'say', inputSchema: secretInput })
  .approval('gate')
  .edge('say', 'gate')
  .build();
/** The same work, of which no schema says that anything is secret. */
const after = plan('After')
  .inputs(plainInput)
  .action('say', { handler: 'say', inputSchema: secretInput.properties.password && plainInput })
  .approval('gate', { instructions: 'Look again' })
  .edge('say', 'gate')
  .build();
const input = { password: SECRET, pin: PIN };

describe('a run that was given another plan', () => {
  it('promise 18: keeps secret what a plan before called so, in all that is shown and told of it', async () => {
    const told = await openTold();
    const { kit } = told;
    await kit.run(before, { id: 'r', input });
    const by = { by: 'ada' };
    await kit.ask(({ change }) => change.replan('r', after, by));
    await expectMasked(told, 'r');
    const details = await kit.orchestrator.runs.details('r');
    expect(details.inputs).toEqual({ password: MASK, pin: MASK });
    const again = plan('Again').inputs(plainInput).approval('gate').build();
    await kit.ask(({ change }) => change.replan('r', again, by));
    // A person is shown the whole input, of which no schema of the node says anything.
    await expectMasked(told, 'r', false);
  });

  it('promise 18: so do its forks under another plan, and exports of either are refused', async () => {
    const told = await openTold();
    const { kit } = told;
    await kit.run(before, { id: 'r', input });
    const by = { by: 'ada' };
    const fork = await kit.ask(({ change }) => change.fork('r', { ...by, plan: after }));
    await kit.ask(({ change }) => change.replan('r', after, by));
    await expectMasked(told, fork.id);
    for (const id of ['r', fork.id]) {
      await kit.ask((orchestrator) => orchestrator.cancel(id));
      const exported = kit.orchestrator.runs.export(id).next();
      await expect(exported).rejects.toMatchObject({ code: 'export-secret' });
    }
  });

  it('promise 18: is masked as before by a process that comes after', async () => {
    const told = await openTold();
    const { kit } = told;
    await kit.run(before, { id: 'r', input });
    await kit.ask(({ change }) => change.replan('r', after, { by: 'ada' }));
    await kit.restart();
    await kit.ask((orchestrator) => orchestrator.annotate('r', { seen: true }));
    for (const [name, view] of Object.entries(await shownOf(kit, 'r'))) {
      expect(JSON.stringify(view), name).not.toContain(SECRET);
    }
  });
});

const inner = plan('Inner').inputs(plainInput).action('say', { handler: 'say' }).build();

describe('the run of a subplan', () => {
  const childOf = async (kit: TestKit) =>
    (await kit.orchestrator.runs.list()).find(({ id }) => id !== 'r')?.id ?? '';

  it.each([
    [
      'its own input',
      plan('Outer')
        .inputs(secretInput)
        .plan('inner', inner)
        .subplan('sub', { plan: 'inner' })
        .build(),
    ],
    [
      'what its node gets',
      plan('Outer')
        .inputs(plainInput)
        .plan('inner', inner)
        .subplan('sub', { plan: 'inner', inputSchema: secretInput })
        .build(),
    ],
  ])('promise 18: keeps secret what the plan of its parent calls so: %s', async (_, outer) => {
    const told = await openTold();
    const { kit } = told;
    await kit.run(outer, { id: 'r', input });
    const child = await childOf(kit);
    expect(await kit.orchestrator.runs.result(child)).toMatchObject({ status: 'completed' });
    await expectMasked(told, child, false);
    await expect(kit.orchestrator.runs.export(child).next()).rejects.toMatchObject({
      code: 'export-secret',
    });
  });

  it('promise 18: masks a number and a short text that it was given in their place, and leaves others be', async () => {
    const short = {
      type: 'object',
      properties: { code: { writeOnly: true }, n: { writeOnly: true } },
    };
    const outer = plan('Outer')
      .inputs(plainInput)
      .plan('inner', inner)
      .subplan('sub', { plan: 'inner', inputSchema: short })
      .build();
    const { kit } = await openTold();
    const given: JsonValue = { password: 'ab says 7', code: 'ab', n: 7 };
    await kit.run(outer, { id: 'r', input: given });
    const details = await kit.orchestrator.runs.details(await childOf(kit));
    expect(details.inputs).toEqual({ password: 'ab says 7', code: MASK, n: MASK });
  });
});
