/** Plans whose conditions are written in a language that the application brings along. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { simulatePlan } from '../../src/explain/simulate.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { comparePlans } from '../../src/plan/compare-plans.js';
import { compilePlan, compilePlanOrThrow } from '../../src/plan/compile.js';
import type { Evaluator } from '../../src/plan/evaluator.js';
import type { JsonObject, JsonValue } from '../../src/plan/json.js';
import type { Plan } from '../../src/plan/schema.js';
import { temporaryDatabase } from '../support/temporary.js';

/** A small language in Polish notation: `eq output.n 3`, `get nodes.a.output`, `not eq …`. */
const polish: Evaluator = {
  compile(text) {
    const words = [...text.matchAll(/\S+/g)].map(([word], place) => ({ word, place }));
    const nodes: string[] = [];
    const parse = (): ((variables: JsonObject) => unknown) => {
      const next = words.shift();
      if (next === undefined) {
        throw Object.assign(new Error('something is missing'), { offset: text.length });
      }
      const { word } = next;
      if (word === 'not') {
        const inner = parse();
        return (variables) => !inner(variables);
      }
      if (word === 'eq') {
        const [left, right] = [parse(), parse()];
        return (variables) => left(variables) === right(variables);
      }
      if (/^-?\d+$/.test(word)) return () => Number(word);
      if (word.startsWith("'")) return () => word.slice(1);
      const path = word.split('.');
      if (path[0] === 'nodes' && path[1] !== undefined) nodes.push(path[1]);
      return (variables) =>
        path.reduce<JsonValue | undefined>(
          (value, key) => (value as JsonObject | null | undefined)?.[key],
          variables,
        );
    };
    const evaluate = parse();
    if (words[0] !== undefined) {
      throw Object.assign(new Error('too many words'), { offset: text.indexOf(words[0].word) });
    }
    return { nodes, evaluate };
  },
};

const evaluators = { polish };

const PLAN: Plan = {
  title: 'In another language',
  language: 'polish',
  nodes: [
    {
      id: 'a',
      kind: 'action',
      handler: 'work',
      checks: [{ name: 'some', when: 'not eq output.n 0' }],
    },
    { id: 'pick', kind: 'switch' },
    { id: 'low', kind: 'action', handler: 'work' },
    { id: 'high', kind: 'action', handler: 'work' },
    { id: 'end', kind: 'join', rule: { when: 'eq taken 1' } },
    {
      id: 'thrice',
      kind: 'loop',
      while: 'not eq loop.index 3',
      body: { nodes: [{ id: 'step', kind: 'action', handler: 'work' }], edges: [] },
    },
  ],
  edges: [
    { source: 'a', target: 'pick' },
    { source: 'pick', target: 'low', when: 'eq nodes.a.output.n 3' },
    { source: 'pick', target: 'high', default: true },
    { source: 'low', target: 'end', transform: 'output' },
    { source: 'high', target: 'end' },
    { source: 'end', target: 'thrice' },
  ],
  result: 'nodes.a.output',
};

async function open(database: string, withLanguage = true): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator({
    url: database,
    handlers: { work: () => ({ n: 3 }) },
    ...(withLanguage && { evaluators }),
  });
  onTestFinished(() => orchestrator.close());
  return orchestrator;
}

describe('a plan in another language', () => {
  it('S190 decides its edges, joins, loops, checks and its result in that language', async () => {
    const orchestrator = await open(temporaryDatabase());
    const run = await orchestrator.start(PLAN);
    const result = await run.result();
    expect(result).toMatchObject({ status: 'completed', output: { n: 3 } });
    const nodes = await orchestrator.runs.nodeRuns(run.id);
    const statuses = Object.fromEntries(nodes.map(({ node, status }) => [node, status]));
    expect(statuses).toMatchObject({ low: 'completed', high: 'skipped', thrice: 'completed' });
    expect(nodes.filter(({ node }) => node.endsWith('/step'))).toHaveLength(3);
    expect((await orchestrator.runs.verify(run.id)).findings).toEqual([]);
  });

  it('S190 S210 is parked by a program that does not know the language, and goes on in one that does', async () => {
    const database = temporaryDatabase();
    const asks = {
      ...PLAN,
      nodes: [...PLAN.nodes, { id: 'ask', kind: 'human-approval' as const }],
    };
    const first = await open(database);
    await first.start(asks, { id: 'r1' });
    await first.settled('r1');
    await first.close();
    const second = await open(database, false);
    const [task] = await second.tasks.list();
    const response = { response: { approved: true } };
    await expect(second.tasks.respond(task?.id ?? '', response)).rejects.toMatchObject({
      code: 'run-unrestorable',
    });
    expect(await second.examine()).toMatchObject([{ run: 'r1', code: 'run-unrestorable' }]);
    await expect(second.start(PLAN)).rejects.toMatchObject({ code: 'plan-invalid' });
    await second.close();
    const third = await open(database);
    await third.tasks.respond(task?.id ?? '', response);
    expect((await third.result('r1')).status).toBe('completed');
  });

  it('S20 S25 S190 has its faults reported with their place', () => {
    const broken = { ...PLAN, edges: [{ source: 'a', target: 'pick', when: 'eq 1' }] };
    const result = compilePlan(broken, { evaluators });
    expect(result).toMatchObject({ ok: false });
    const [issue] = result.ok
      ? []
      : result.issues.filter(({ severity }) => severity === 'blocking');
    expect(issue).toMatchObject({
      code: 'invalid-condition',
      path: '/edges/0/when',
      detail: { line: 1, column: 5 },
    });
    const unknown = { ...PLAN, result: 'nodes.b.output' };
    const issues = compilePlan(unknown, { evaluators });
    expect(issues).toMatchObject({ issues: [{ code: 'unknown-node-in-condition' }] });
  });

  it('S22 S190 does not compile where nobody knows the language', () => {
    expect(compilePlan(PLAN)).toMatchObject({
      ok: false,
      issues: [{ code: 'unknown-language', path: '/language' }],
    });
    expect(compilePlan({ ...PLAN, language: 'polnish' }, { evaluators })).toMatchObject({
      issues: [{ code: 'unknown-language', hint: "Did you mean 'polish'?" }],
    });
    expect(compilePlan({ ...PLAN, language: 'constructor' }, { evaluators }).ok).toBe(false);
  });

  it('S67 S190 decides by policy where a text has no value, or one of the wrong kind', async () => {
    const orchestrator = await open(temporaryDatabase());
    const plan: Plan = {
      title: 'No boolean',
      language: 'polish',
      nodes: [
        { id: 'a', kind: 'action', handler: 'work' },
        { id: 'b', kind: 'action', handler: 'work' },
      ],
      edges: [{ source: 'a', target: 'b', when: 'output.n' }],
    };
    const run = await orchestrator.start(plan);
    await run.result();
    const events = await orchestrator.runs.events(run.id);
    expect(events.find(({ type }) => type === 'edge.evaluated')?.detail).toMatchObject({
      error: { code: 'not-boolean' },
    });
  });

  it('S2 S202 is another plan in another language, in which every node begins again', () => {
    const always: Evaluator = { compile: () => ({ evaluate: () => true }) };
    const options = { evaluators: { ...evaluators, always } };
    const before = compilePlanOrThrow(PLAN, options);
    const after = compilePlanOrThrow({ ...PLAN, language: 'always' }, options);
    expect(after.hash).not.toBe(before.hash);
    expect(comparePlans(before, after).changed.size).toBe(PLAN.nodes.length);
  });

  it('S217 is simulated with its language', async () => {
    const simulation = await simulatePlan(PLAN, {
      evaluators,
      outputs: { a: { n: 4 }, low: {}, high: {}, 'thrice/step': {} },
    });
    expect(simulation.paths[0]?.status).toBe('completed');
    expect(simulation.neverReached).toContain('low');
  });
});
