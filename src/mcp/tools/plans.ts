/** Plans: on offer, of runs, and those that a caller has written. */
import { z } from 'zod';
import { RunchartError } from '../../errors.js';
import { compilePlan, compilePlanOrThrow } from '../../plan/compile.js';
import { reservedKeyIn } from '../../reserved-metadata.js';
import { type Answer, inShort, inShortIssues } from '../answer.js';
import { pageOf, shown } from '../bounded.js';
import * as input from '../inputs.js';
import { type Call, tool } from '../tool.js';

const listPlans = tool({
  name: 'list_plans',
  title: 'List plans',
  description:
    'Lists the plans that this server offers by name. Start a run of one with submit_plan, read it with read_plan.',
  role: 'reader',
  changes: 'nothing',
  isIdempotent: true,
  input: z.strictObject({
    limit: input.limit,
    after: input.name.optional().describe('Name that ended the page before'),
  }),
  async call({ limit, after }, { plans }) {
    const all = plans.list();
    const from = all.findIndex(({ name }) => name === after) + 1;
    const rows = all.slice(from).map(({ name, version }) => ({
      name,
      ...inShort(version.hash, version.plan),
    }));
    const { entries, hasMore } = pageOf(rows, limit);
    return {
      message: `${all.length} plans are on offer`,
      status: 'ok',
      plans: entries,
      next: hasMore ? (entries.at(-1)?.name ?? null) : null,
    };
  },
});

const readPlan = tool({
  name: 'read_plan',
  title: 'Read a plan',
  description:
    'Reads a whole plan: one on offer by `name`, the one a `run` is pinned to, or a version by `hash`. Give exactly one of the three. Long plans come in parts: go on with `offset`.',
  role: 'reader',
  changes: 'nothing',
  isIdempotent: true,
  input: z.strictObject({
    name: input.name.optional().describe('Name of a plan on offer'),
    run: input.run.optional(),
    hash: z.string().max(128).optional().describe('Hash of a plan version'),
    offset: input.offset,
  }),
  async call({ offset, ...which }, { host, plans }) {
    const { hash, plan } = await findPlan(which, { host, plans });
    return {
      message: `the plan "${plan.title}" has ${plan.nodes.length} nodes`,
      status: 'ok',
      plan: inShort(hash, plan),
      document: shown(plan, offset),
    };
  },
});

async function findPlan(
  which: { readonly name?: string; readonly run?: string; readonly hash?: string },
  { host, plans }: Pick<Call, 'host' | 'plans'>,
) {
  if (Object.values(which).filter((one) => one !== undefined).length !== 1) {
    throw new RunchartError('argument-invalid', 'give one of name, run and hash');
  }
  if (which.name !== undefined) return plans.get(which.name).version;
  const hash = which.hash ?? (await host.runs.summary(which.run ?? '')).plan;
  return { hash, plan: await host.runs.plan(hash) };
}

const validatePlan = tool({
  name: 'validate_plan',
  title: 'Validate a plan',
  description:
    'Checks a plan without running it: `valid` with warnings, or `invalid` with every issue, its path and a hint. Mend the issues and call it again before submit_plan.',
  role: 'reader',
  changes: 'nothing',
  isIdempotent: true,
  input: z.strictObject({ plan: input.plan }),
  async call({ plan }, { host, plans }) {
    const compiled = compilePlan(await input.planOf({ host, plans }, plan), {
      evaluators: host.evaluators,
    });
    if (!compiled.ok) {
      const message = `the plan has ${compiled.issues.length} issues`;
      return { message, status: 'invalid', ...inShortIssues(compiled.issues) };
    }
    const { hash, warnings, plan: whole } = compiled.version;
    return {
      message: 'the plan can run',
      status: 'valid',
      plan: inShort(hash, whole),
      ...inShortIssues(warnings),
    };
  },
});

const simulatePlan = tool({
  name: 'simulate_plan',
  title: 'Simulate a plan',
  description:
    'Goes through the paths that a plan can take, without its handlers and without waiting: which nodes are reached, how each path ends, what is never reached. `outputs` and `answers` give what nodes return and people say, by node id.',
  role: 'operator',
  changes: 'nothing',
  isIdempotent: true,
  input: z.strictObject({
    plan: input.plan,
    input: input.json.optional(),
    outputs: z.record(z.string(), input.json).optional(),
    answers: z.record(z.string(), input.json).optional(),
    failures: z.boolean().optional().describe('Whether each action may fail, too'),
    maxPaths: z.int().min(1).max(50).default(10),
    offset: input.offset,
  }),
  async call({ plan, offset, ...options }, { host, plans }) {
    const { evaluators } = host;
    const version = compilePlanOrThrow(await input.planOf({ host, plans }, plan), { evaluators });
    const simulation = await simulate(version, { ...options, evaluators });
    const { paths, neverReached } = simulation;
    return {
      message: `${paths.length} paths were gone through; ${neverReached.length} nodes were never reached`,
      status: simulation.isComplete ? 'complete' : 'incomplete',
      plan: inShort(version.hash, version.plan),
      simulation: shown(simulation, offset),
    };
  },
});

type Simulate = typeof import('../../explain/simulate.js').simulatePlan;

/** Brings the test kit along, which nobody else needs. */
async function simulate(...given: Parameters<Simulate>): ReturnType<Simulate> {
  const { simulatePlan: run } = await import('../../explain/simulate.js');
  return run(...given);
}

const submitPlan = tool({
  name: 'submit_plan',
  title: 'Submit a plan',
  description:
    'Validates a plan and starts a run of it; answers with the id of the run as soon as that is durable. With `dryRun` nothing starts: the plan is validated and simulated with the input. Follow the run with wait_for_run and read_run. Give an `idempotencyKey` (or `id`) so that a repeated call is the same run.',
  role: 'operator',
  changes: 'adds',
  isIdempotent: false,
  input: z.strictObject({
    plan: input.plan,
    input: input.json.optional().describe('Input of the run, as the plan asks for it'),
    id: input.run.optional().describe('Id for the run; drawn unless given'),
    requestedBy: input.name.optional().describe('The person who asks for the run'),
    metadata: input.jsonObject
      .refine((value) => reservedKeyIn(value) === undefined, {
        error: 'Keys that begin with `runchart.` are reserved',
      })
      .optional()
      .describe('Kept with the run'),
    priority: z.int().min(0).max(9).optional(),
    dryRun: z.boolean().default(false),
    idempotencyKey: input.idempotencyKey.optional(),
  }),
  async call({ plan: given, dryRun, metadata = {}, ...options }, { host, plans }) {
    const version = compilePlanOrThrow(await input.planOf({ host, plans }, given), host);
    const plan = inShort(version.hash, version.plan);
    if (dryRun) {
      const asked = options.input === undefined ? {} : { input: options.input };
      const found = await simulate(version, { ...asked, maxPaths: 1, evaluators: host.evaluators });
      return {
        message: `nothing was started: one path through the plan ends ${found.paths[0]?.status}`,
        status: 'dry-run',
        plan,
        path: shown(found.paths[0]),
        ...inShortIssues(version.warnings),
      };
    }
    const isOffered = typeof given === 'string' && plans.has(given);
    const offered = isOffered ? plans.get(given).metadata : {};
    const { id, created } = await host.start(version.plan, {
      ...options,
      metadata: { ...metadata, ...offered },
    });
    return {
      message: created ? `run ${id} has started` : `run ${id} was there already`,
      status: (await host.runs.summary(id)).status,
      plan,
      run: id,
      created,
      ...inShortIssues(version.warnings),
    } satisfies Answer;
  },
});

export const PLAN_TOOLS = [listPlans, readPlan, validatePlan, simulatePlan, submitPlan];
