/** Runs: listed, read, waited for, and explained. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { isFinal, RUN_STATUSES, type RunStatus } from '../../machines/statuses.js';
import type { NodeRunView, RunSummary } from '../../views.js';
import { inShort } from '../answer.js';
import { aside, cut, pageOf, shown } from '../bounded.js';
import * as input from '../inputs.js';
import { type ToolHost, tool } from '../tool.js';
import { taskInShort } from './people.js';

const MAX_OPEN_TASKS = 10;
const READS = { role: 'reader', changes: 'nothing', isIdempotent: true } as const;

const listRuns = tool({
  ...READS,
  name: 'list_runs',
  title: 'List runs',
  description: 'Lists runs, newest first, of one status if asked for. Read one with read_run.',
  input: z.strictObject({
    status: z.enum(RUN_STATUSES).optional(),
    limit: input.limit,
    before: input.run.optional().describe('Id that ended the page before'),
  }),
  async call({ limit, ...filter }, { host }) {
    const runs = await host.runs.list({ ...filter, limit: limit + 1 });
    const { entries, hasMore } = pageOf(runs.map(runInShort), limit);
    return {
      message: `${entries.length} runs${hasMore ? ', and there are more' : ''}`,
      status: 'ok',
      runs: entries,
      next: hasMore ? (entries.at(-1)?.run ?? null) : null,
    };
  },
});

const readRun = tool({
  ...READS,
  name: 'read_run',
  title: 'Read a run',
  description:
    'Shows a run: its status, its input and result, what people are asked, and its node runs a page at a time (`after`), those inside of loops and maps too. Long values are cut: read_node and read_artifact have them whole. Nodes that nothing has happened to yet are not listed.',
  input: z.strictObject({
    run: input.run,
    part: z
      .enum(['overview', 'input', 'output'])
      .default('overview')
      .describe('`input` and `output` read that value alone, from `offset` on'),
    offset: input.offset,
    limit: input.limit,
    after: input.node.optional().describe('Path that ended the page before'),
  }),
  async call({ run, part, offset, limit, after }, { host }) {
    const summary = await host.runs.summary(run);
    const about = {
      message: `run ${run} is ${summary.status}`,
      status: summary.status,
      plan: inShort(summary.plan),
    };
    if (part === 'output') return { ...about, output: shown(await outputOf(host, run), offset) };
    if (part === 'input') return { ...about, input: shown(await inputOf(host, run), offset) };
    const rows = await host.runs.nodeRuns(run, {
      limit: limit + 1,
      ...(after !== undefined && { after }),
    });
    const { entries, hasMore } = pageOf(rows.map(nodeInShort), limit);
    const tasks = await host.tasks.list({ run, limit: MAX_OPEN_TASKS });
    const isFirst = after === undefined;
    return {
      ...about,
      ...runInShort(summary),
      ...(isFirst && { input: aside(await inputOf(host, run)) }),
      ...(isFirst && isFinal(summary.status) && { output: aside(await outputOf(host, run)) }),
      nodes: entries,
      next: hasMore ? (entries.at(-1)?.node ?? null) : null,
      openTasks: tasks.map(taskInShort),
    };
  },
});

async function inputOf(host: ToolHost, run: string) {
  return (await host.runs.head(run)).inputs;
}

/** What the plan calls its result; the outputs by node where it has none. */
async function outputOf(host: ToolHost, run: string) {
  const { output, outputs } = await host.runs.result(run);
  return output ?? outputs;
}

const readNode = tool({
  ...READS,
  name: 'read_node',
  title: 'Read a node run',
  description:
    'Shows one node run with its input, output and newest attempts, those that had another input with that. A long value is read on with `part` and `offset`.',
  input: z.strictObject({
    run: input.run,
    node: input.node,
    part: z.enum(['both', 'input', 'output']).default('both'),
    offset: input.offset,
  }),
  async call({ run, node, part, offset }, { host }) {
    const { status, plan } = await host.runs.summary(run);
    const view = await nodeRunAt(host, run, node);
    const about = {
      message: `"${node}" is ${view.status}`,
      status,
      plan: inShort(plan),
      node,
      nodeStatus: view.status,
      attempt: view.attempt,
    };
    if (part !== 'both') return { ...about, [part]: shown(view[part], offset) };
    const attempts = (await host.runs.attempts(run, node)).slice(-5);
    return {
      ...about,
      ...('input' in view && { input: shown(view.input) }),
      ...('output' in view && { output: shown(view.output) }),
      ...(view.outcome !== undefined && { outcome: view.outcome }),
      ...(view.reason && { reason: aside(view.reason) }),
      attempts: attempts.map(({ attempt, worker, outcome, input, error, issues }) => ({
        attempt,
        worker,
        outcome,
        ...(!isDeepStrictEqual(input, view.input) && { input: aside(input ?? null) }),
        error: error && aside(error),
        issues: aside(issues),
      })),
    };
  },
});

/** One that nothing has happened to has no row: that it is there, and how it stands, is what `why` knows. */
async function nodeRunAt(host: ToolHost, run: string, node: string): Promise<NodeRunView> {
  const [row] = await host.runs.nodeRuns(run, { after: justBefore(node), limit: 1 });
  if (row?.node === node) return row;
  const { status, attempt } = await host.runs.why(run, node);
  return { node, status, attempt };
}

/** A text that comes before a path, and behind all other paths that do. */
function justBefore(path: string): string {
  const last = path.charCodeAt(path.length - 1);
  return `${path.slice(0, -1)}${String.fromCharCode(Math.max(0, last - 1))}\u{10ffff}`;
}

const readArtifact = tool({
  ...READS,
  name: 'read_artifact',
  title: 'Read an artifact',
  description:
    'Without `name` lists the artifacts of a run; with `name` reads the newest accepted version, or the one named. Long payloads are read on with `offset`.',
  input: z.strictObject({
    run: input.run,
    name: input.name.optional(),
    version: z.int().min(1).optional(),
    offset: input.offset,
    limit: input.limit,
    after: z
      .strictObject({ name: input.name, version: z.int().min(1) })
      .optional()
      .describe('The last artifact of the page before'),
  }),
  async call({ run, name, version, offset, limit, after }, { host }) {
    const { status, plan } = await host.runs.summary(run);
    const about = { status, plan: inShort(plan) };
    if (name !== undefined) {
      const { payload, schema: _, ...artifact } = await host.runs.artifact(run, name, version);
      const message = `artifact ${name}, version ${artifact.version}`;
      const content = payload === undefined ? {} : { payload: shown(payload, offset) };
      return { ...about, message, artifact, ...content };
    }
    const rows = await host.runs.artifacts(run, {
      limit: limit + 1,
      ...(after !== undefined && { after }),
    });
    const inRows = rows.map(({ payload: _, schema: __, ...artifact }) => artifact);
    const { entries, hasMore } = pageOf(inRows, limit);
    const last = entries.at(-1);
    return {
      ...about,
      message: `${entries.length} artifacts${hasMore ? ', and there are more' : ''}`,
      artifacts: entries,
      next: hasMore && last ? { name: last.name, version: last.version } : null,
    };
  },
});

const listEvents = tool({
  ...READS,
  name: 'list_events',
  title: 'List events',
  description: 'The log of a run: its events in order, `after` a number.',
  input: z.strictObject({
    run: input.run,
    after: z.int().min(0).default(0).describe('Number of the last event known'),
    limit: input.limit,
  }),
  async call({ run, after, limit }, { host }) {
    const { status, plan } = await host.runs.summary(run);
    const rows = (await host.runs.events(run, after, limit + 1)).map(
      ({ seq, type, node, attempt, at, detail }) => ({
        ...{ seq, type, node, attempt, at },
        detail: aside(detail),
      }),
    );
    const { entries, hasMore } = pageOf(rows, limit);
    return {
      message: `${entries.length} events${hasMore ? ', and there are more' : ''}`,
      status,
      plan: inShort(plan),
      events: entries,
      next: hasMore ? (entries.at(-1)?.seq ?? null) : null,
    };
  },
});

const why = tool({
  ...READS,
  name: 'why',
  title: 'Why is it so',
  description:
    'Explains why a node run has its status: edges, conditions with their values, attempts, policies, what it waits for. Ask it first when a run does not go on, or went elsewhere than expected.',
  input: z.strictObject({ run: input.run, node: input.node, offset: input.offset }),
  async call({ run, node, offset }, { host }) {
    const { status, plan } = await host.runs.summary(run);
    const { lines, causes: _, ...found } = await host.runs.why(run, node);
    return {
      message: cut(lines[0] ?? `"${node}" is ${found.status}`, 2_000),
      status,
      plan: inShort(plan),
      ...{ node, nodeStatus: found.status, generation: found.generation, attempt: found.attempt },
      since: found.since,
      explanation: shown(lines.join('\n'), offset),
    };
  },
});

const waitForRun = tool({
  ...READS,
  name: 'wait_for_run',
  title: 'Wait for a run',
  description:
    'Waits, at most `waitMs`, until a run goes on only by somebody’s doing: it has ended, awaits a person, is blocked or paused. Call it again while `isSettled` is false. Work that waits for a worker counts as going on: look with list_work.',
  input: z.strictObject({
    run: input.run,
    waitMs: input.waitMs.describe('At most, in milliseconds'),
  }),
  async call({ run, waitMs }, { host, signal }) {
    await untilSettled(host, run, AbortSignal.any([signal, AbortSignal.timeout(waitMs)]));
    const summary = await host.runs.summary(run);
    const isSettled = rests(summary.status);
    return {
      message: `run ${run} ${isSettled ? 'is' : 'is still'} ${summary.status}`,
      ...runInShort(summary),
      plan: inShort(summary.plan),
      isSettled,
      ...(isFinal(summary.status) && { output: aside(await outputOf(host, run)) }),
      openTasks: (await host.tasks.list({ run, limit: MAX_OPEN_TASKS })).map(taskInShort),
    };
  },
});

/** Resolves when the run rests, or the signal is aborted. */
async function untilSettled(host: ToolHost, run: string, signal: AbortSignal): Promise<void> {
  let unwatch = () => {};
  const changed = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve());
    unwatch = host.watch(run, ({ status }) => {
      if (rests(status)) resolve();
    });
  });
  try {
    // It may have come to rest before it was watched.
    if (!rests((await host.runs.summary(run)).status) && !signal.aborted) await changed;
  } finally {
    unwatch();
  }
}

function rests(status: RunStatus): boolean {
  return !['pending', 'ready', 'running'].includes(status);
}

function runInShort({ id, status, plan, metadata, reason, ...run }: RunSummary) {
  const { createdAt, updatedAt, endedAt } = run;
  return {
    ...{ run: id, status, hash: plan, createdAt, updatedAt, endedAt },
    ...(Object.keys(metadata).length > 0 && { metadata: aside(metadata) }),
    ...(reason !== null && { reason: aside(reason) }),
  };
}

function nodeInShort({ node, status, attempt, output, outcome, reason }: NodeRunView) {
  return {
    ...{ node, status, attempt },
    ...(output !== undefined && { output: aside(output) }),
    ...(outcome !== undefined && { outcome }),
    ...(reason !== undefined && { reason: aside(reason) }),
  };
}

export const RUN_TOOLS = [
  ...[listRuns, readRun, readNode, readArtifact, listEvents, why, waitForRun],
];
