import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plan } from '../../src/plan/builder.js';
import type { JsonValue } from '../../src/plan/json.js';
import type { Plan } from '../../src/plan/schema.js';
import { MASK, maskFor, Secrets } from '../../src/plan/secrets.js';
import { testKit } from '../../src/testing/index.js';

const SECRET = 'hunter2-correct-horse';
const PIN = 4711;

const secretInput = {
  type: 'object',
  properties: {
    user: { type: 'string' },
    password: { type: 'string', writeOnly: true },
    pin: { type: 'integer', writeOnly: true },
  },
} as const;

/** A run that spreads its secrets as far as a plan can. */
const leaky = plan('Leaky')
  .inputs(secretInput)
  .action('login', {
    handler: 'login',
    inputSchema: secretInput,
    outputSchema: { type: 'object', properties: { token: { type: 'string', writeOnly: true } } },
  })
  .action('fail', { handler: 'fail', onFailure: 'continue' })
  .approval('ask', { responders: ['ann'] })
  .edge('login', 'fail', { map: { token: 'output.token', password: 'input.password' } } as never)
  .edge('login', 'ask', { map: { seen: 'output.token' } } as never)
  .build();

async function leakyRun() {
  const seen: JsonValue[] = [];
  const kit = await testKit({
    handlers: {
      login: (input: { password: string; pin: number }) => {
        seen.push(input as JsonValue);
        return {
          ok: true,
          output: { token: `T-${SECRET}-of-the-session` },
          notes: { used: input.password },
          artifacts: [{ name: 'log', kind: 'text', payload: `said ${input.password}` }],
          events: [{ name: 'said', detail: { password: input.password } }],
        };
      },
      fail: (input: { token: string }) => {
        seen.push(input as JsonValue);
        throw new Error(`the server refused ${input.token}`);
      },
    },
  });
  const input = { user: 'ann', password: SECRET, pin: PIN };
  const run = await kit.run(leaky, { id: 'leaky', input, metadata: { hint: SECRET } });
  return { kit, run, seen };
}

describe('what a plan calls secret', () => {
  it('S211 promise 18: is in nothing that an inspector of its run is told', async () => {
    const { kit } = await leakyRun();
    const { orchestrator } = kit;
    const told: unknown[] = [];
    const newest = (await orchestrator.runs.events('leaky')).length;
    for (let at = 1; at <= newest; at += 1) {
      const then = orchestrator.inspect('leaky', { at, actors: 'all' });
      for await (const event of then) told.push(event);
    }
    const live = orchestrator.inspect('leaky', { actors: 'all' });
    for await (const event of live) {
      told.push(event);
      if (JSON.stringify(event).includes('login')) live.detach();
    }
    expect(told.length).toBeGreaterThan(newest);
    expect(JSON.stringify(told)).not.toContain(SECRET);
  });

  it('promise 18: is in no event that leaves by the bus or by a webhook', async () => {
    const sent: string[] = [];
    const kit = await testKit({
      handlers: {
        login: ({ password }: { password: string }) => {
          throw new Error(`refused ${password}`);
        },
        fail: () => ({}),
      },
      sendWebhook: async ({ body }) => {
        sent.push(body);
        return { status: 204 };
      },
    });
    await kit.ask((orchestrator) => orchestrator.recover());
    const events = kit.orchestrator.bus.events();
    await kit.ask(({ webhooks }) => webhooks.add({ url: 'https://hooks.example.com/in' }));
    const input = { password: SECRET, user: 'ann', pin: PIN };
    await kit.run(leaky, { id: 'told', input });
    await kit.ask(({ webhooks }) => webhooks.drain());
    const seen: unknown[] = [];
    for (let n = 0; n < 6; n += 1) seen.push((await events.next()).value);
    expect(sent.join()).toContain(`refused ${MASK}`);
    expect(sent.join()).not.toContain(SECRET);
    expect(JSON.stringify(seen)).not.toContain(SECRET);
  });

  it('promise 18: is in no line that its handlers log, whatever it lies in, and lines keep their order', async () => {
    const lines: { readonly level: string; readonly fields: object; readonly message: string }[] =
      [];
    const at = (level: string) => (fields: object, message: string) =>
      void lines.push({ level, fields, message });
    const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
    const kit = await testKit({
      logger,
      handlers: {
        async login(input: { password: string }, { logger: log }) {
          log.info({ input, at: new Date(0), big: 1n }, `log in with ${input.password}`);
          const cause = new TypeError(`no ${input.password}`);
          log.error({ error: new Error(`refused: ${input.password}`, { cause }) }, 'refused');
          const cycle: Record<string, unknown> = { input };
          cycle.self = cycle;
          log.warn(cycle, 'a cycle');
          await Promise.resolve();
          log.debug({ run: 'another', words: [input.password] }, 'done');
          return { token: 'T-none' };
        },
        fail: () => 1,
      },
    });
    const input = { user: 'ann', password: SECRET, pin: PIN };
    await kit.run(leaky, { id: 'leaky', input });
    const told = lines.filter(({ message }) => message !== '');
    expect(told.map(({ level, message }) => [level, message])).toEqual([
      ['info', `log in with ${MASK}`],
      ['error', 'refused'],
      ['warn', 'a cycle'],
      ['debug', 'done'],
    ]);
    for (const { fields } of told) expect(fields).toMatchObject({ run: 'leaky', node: 'login' });
    expect(told[0]?.fields).toMatchObject({ input: { user: 'ann', password: MASK }, big: '1' });
    expect(told[1]?.fields).toMatchObject({
      error: { name: 'Error', message: `refused: ${MASK}`, cause: { message: `no ${MASK}` } },
    });
    expect(inspect(lines, { depth: 9 })).not.toContain(SECRET);
  });

  it('what a handler logs is logged at once where it is known that no plan names a secret', async () => {
    const lines: string[] = [];
    const log = (_: object, message: string) => void lines.push(message);
    const seen: number[] = [];
    const kit = await testKit({
      logger: { debug: log, info: log, warn: log, error: log },
      handlers: {
        plain: (_: object, { logger }) => {
          logger.info({}, 'said');
          seen.push(lines.length);
          return 1;
        },
      },
    });
    const plain = plan('Plain').action('a', { handler: 'plain' }).build();
    for (const id of ['r1', 'r2', 'r3']) await kit.run(plain, { id });
    // The first one of a plan waits for a look at it.
    expect(seen).toEqual([0, 2, 3]);
    expect(lines).toEqual(['said', 'said', 'said']);
  });

  it('promise 18: is in no export that does not ask for it', async () => {
    const { kit } = await leakyRun();
    await kit.ask((orchestrator) => orchestrator.cancel('leaky'));
    const { runs } = kit.orchestrator;
    await expect(runs.export('leaky').next()).rejects.toMatchObject({ code: 'export-secret' });
    let text = '';
    for await (const line of runs.export('leaky', { secrets: 'include' })) text += line;
    expect(text).toContain(SECRET);
  });

  it('promise 18: is nowhere in what is shown of a run, and everywhere where work is done', async () => {
    const { kit, seen } = await leakyRun();
    const { runs, tasks } = kit.orchestrator;
    const [task] = await tasks.list();
    const shown = {
      list: await runs.list(),
      summary: await runs.summary('leaky'),
      details: await runs.details('leaky'),
      result: await runs.result('leaky'),
      nodes: await runs.nodeRuns('leaky'),
      state: await runs.stateAt('leaky', 5),
      replay: await runs.replay('leaky'),
      why: await Promise.all(['login', 'fail', 'ask'].map((node) => runs.why('leaky', node))),
      events: await runs.events('leaky'),
      changes: await runs.changes('leaky'),
      attempts: await Promise.all(['login', 'fail'].map((node) => runs.attempts('leaky', node))),
      artifacts: await runs.artifacts('leaky'),
      artifact: await runs.artifact('leaky', 'log'),
      tasks: await tasks.list(),
      task,
    };
    for (const [name, view] of Object.entries(shown)) {
      expect(JSON.stringify(view), name).not.toContain(SECRET);
      expect(JSON.stringify(view), name).not.toContain(String(PIN));
    }
    expect(shown.details.inputs).toEqual({ user: 'ann', password: MASK, pin: MASK });
    expect(shown.result.outputs.login).toEqual({ token: MASK });
    expect(JSON.stringify(shown.events)).toContain(`the server refused ${MASK}`);
    expect(shown.artifact.payload).toBe(`said ${MASK}`);
    expect(seen[0]).toMatchObject({ password: SECRET, pin: PIN });
    expect(JSON.stringify(seen[1])).toContain(SECRET);
    expect(kit.complaints.join()).not.toContain(SECRET);
    const events: unknown[] = [];
    await kit.orchestrator.cancel('leaky');
    for await (const event of kit.orchestrator.events('leaky')) events.push(event);
    expect(JSON.stringify(events)).not.toContain(SECRET);
    const inspected: unknown[] = [];
    for await (const event of kit.orchestrator.inspect('leaky', { actors: 'all' })) {
      inspected.push(event);
    }
    expect(JSON.stringify(inspected)).toContain(`refused ${MASK}`);
    expect(JSON.stringify(inspected)).not.toContain(SECRET);
  });

  it('S90 S211 promise 18: is not in the inputs that attempts were given, nor in what was patched away', async () => {
    const draft = plan('Patched')
      .inputs(secretInput)
      .action('login', { handler: 'refuse', inputSchema: secretInput, onFailure: 'replan' })
      .action('pay', {
        handler: 'refuse',
        inputSchema: secretInput,
        onFailure: 'fallback',
        fallback: { handler: 'instead' },
      })
      .build();
    const kit = await testKit({
      handlers: {
        refuse: ({ password, pin }: { password: string; pin: number }) => {
          throw Object.assign(new Error(`refused ${password}`), { class: `pin-${pin % 2}` });
        },
        instead: () => 1,
      },
    });
    const input = { user: 'ann', password: SECRET, pin: PIN };
    const run = await kit.run(draft, { id: 'patched', input });
    const patched = { user: 'bob', password: 'another-long-secret', pin: 1234 };
    const asked = { input: patched, by: 'op' };
    await kit.ask(({ change }) => change.patchInput('patched', 'login', asked));
    await kit.ask((orchestrator) => orchestrator.retryNode('patched', 'login'));
    await kit.settle(run);
    const { runs } = kit.orchestrator;
    const given = async (node: string) =>
      (await runs.attempts('patched', node)).map((of) => of.input);
    const masked = (user: string) => ({ user, password: MASK, pin: MASK });
    expect(await given('login')).toEqual([masked('ann'), masked('bob')]);
    expect(await given('pay')).toMatchObject([
      masked('ann'),
      { input: masked('ann'), error: { message: `refused ${MASK}` } },
    ]);
    const shown = {
      attempts: await runs.attempts('patched'),
      events: await runs.events('patched'),
      why: await runs.why('patched', 'login'),
    };
    for (const secret of [SECRET, String(PIN), 'another-long-secret', '1234']) {
      expect(JSON.stringify(shown)).not.toContain(secret);
    }
    const found = shown.events.filter(({ type }) => type === 'attempt.failed');
    expect(found.map(({ detail }) => detail.message)).toEqual(Array(3).fill(`refused ${MASK}`));
  });

  it('promise 18: is not in refusals that show what is asked, and answers that come again are the same', async () => {
    const form = plan('Form')
      .input('fill', {
        responders: ['ann'],
        outputSchema: { type: 'object', properties: { key: { type: 'string', writeOnly: true } } },
      })
      .build();
    const kit = await testKit({ handlers: {} });
    const run = await kit.run(form, { id: 'form' });
    const [task] = await kit.orchestrator.tasks.list({ run: run.id });
    const id = task?.id ?? '';
    const answer = { response: { key: SECRET }, responder: 'ann', messageId: 'm' };
    await kit.ask(({ tasks }) => tasks.respond(id, answer));
    await kit.settle(run);
    expect(await kit.orchestrator.tasks.responses(id)).toMatchObject([{ response: { key: MASK } }]);
    expect(await kit.ask(({ tasks }) => tasks.respond(id, answer))).toMatchObject({ task: id });
    const other = kit.ask(({ tasks }) => tasks.respond(id, { ...answer, response: { key: 'x' } }));
    await expect(other).rejects.toMatchObject({ code: 'message-conflict' });
    expect((await kit.orchestrator.runs.result('form')).outputs).toEqual({ fill: { key: MASK } });
  });

  it('promise 18: is not in what schedules show, and reaches the runs that they start', async () => {
    const { kit, seen } = await leakyRun();
    const input = { user: 'ann', password: SECRET, pin: PIN };
    const { schedules } = kit.orchestrator;
    const cadence = { everyMs: 60_000 };
    const runOptions = { metadata: { note: `with ${SECRET}` } };
    const made = await schedules.create({ id: 's', plan: leaky, cadence, input, runOptions });
    const shown = [
      made,
      await schedules.get('s'),
      await schedules.list(),
      await schedules.pause('s'),
    ];
    expect(JSON.stringify(shown)).not.toContain(SECRET);
    expect(made.input).toEqual({ user: 'ann', password: MASK, pin: MASK });
    expect(made.runOptions).toEqual({ metadata: { note: `with ${MASK}` } });
    await kit.ask(() => schedules.update('s', { label: 'again' }));
    await kit.ask(() => schedules.resume('s'));
    await kit.advance(60_000);
    expect(seen.at(-2)).toMatchObject({ password: SECRET, pin: PIN });
  });

  it('is left alone where no plan names any', () => {
    const open = plan('Open').inputs({ type: 'object' }).action('a', { handler: 'a' }).build();
    expect(maskFor(open)).toBeUndefined();
    expect(maskFor(leaky)).toBeDefined();
  });

  it('promise 18: is found through references, branches, lists and rests, to any depth', async () => {
    const leaf = fc.constant({ type: 'string', writeOnly: true } as JsonValue);
    /** A schema with one secret place, and a value that has it there. */
    const nested = fc.letrec<{ pair: [JsonValue, JsonValue] }>((tie) => ({
      pair: fc.oneof(
        { maxDepth: 6, withCrossShrink: true },
        leaf.map((schema) => [schema, SECRET] as [JsonValue, JsonValue]),
        fc
          .tuple(
            tie('pair'),
            fc.constantFrom('properties', 'additional', 'pattern', 'items', 'tuple'),
          )
          .map(([[schema, value], how]) => inside(how, schema, value)),
        fc
          .tuple(tie('pair'), fc.constantFrom('allOf', 'anyOf', 'oneOf', 'then', 'else'))
          .map(([[schema, value], how]) => [branch(how, schema), value] as [JsonValue, JsonValue]),
      ),
    })).pair;
    const roots = fc.constantFrom('plain', '$defs', 'name', 'reference');
    await fc.assert(
      fc.property(nested, roots, ([schema, value], how) => {
        const drafted = {
          title: 'x',
          inputs: rootOf(how, schema),
          schemas: { named: schema },
          nodes: [],
          edges: [],
        } as unknown as Plan;
        const found = new Secrets();
        const masked = maskFor(drafted)?.inputs(value, found);
        expect(JSON.stringify(masked)).not.toContain(SECRET);
        expect(found.hide({ text: `is ${SECRET}!` })).toEqual({ text: `is ${MASK}!` });
      }),
      { numRuns: 300 },
    );
  });
});

function inside(how: string, schema: JsonValue, value: JsonValue): [JsonValue, JsonValue] {
  switch (how) {
    case 'properties':
      return [
        { type: 'object', properties: { deep: schema } },
        { deep: value, other: 1 },
      ];
    case 'additional':
      return [{ properties: { known: true }, additionalProperties: schema }, { any: value }];
    case 'pattern':
      return [{ patternProperties: { '^x': schema } }, { x1: value }];
    case 'items':
      return [{ items: schema }, [value, value]];
    default:
      return [{ prefixItems: [true, schema] }, [1, value]];
  }
}

function branch(how: string, schema: JsonValue): JsonValue {
  const isCase = how === 'then' || how === 'else';
  return Object.fromEntries([['if', true] as const, [how, isCase ? schema : [schema]] as const]);
}

function rootOf(how: string, schema: JsonValue): JsonValue {
  if (how === 'plain') return schema;
  if (how === 'name') return 'named';
  return how === '$defs' ? { $defs: { d: schema }, $ref: '#/$defs/d' } : { $ref: 'named' };
}
