/** A run with the parts of it that are asked for: of each the first page of what its own list gives. */
import { RunchartError } from './errors.js';
import type { Plan } from './plan/schema.js';
import type { RunHead, RunPart, RunPartLists, RunSnapshot } from './views.js';

interface Page {
  readonly limit: number;
}

/** The lists that parts are read from. */
interface RunLists {
  head(id: string): Promise<RunHead>;
  plan(hash: string): Promise<Plan>;
  nodeRuns(id: string, page: Page): Promise<RunPartLists['nodes']>;
  attempts(id: string, node: undefined, page: Page): Promise<RunPartLists['attempts']>;
  events(id: string, after: number, limit: number): Promise<RunPartLists['events']>;
  artifacts(id: string, page: Page): Promise<RunPartLists['artifacts']>;
  tasks(
    filter: Page & { readonly run: string; readonly status: 'any' },
  ): Promise<RunPartLists['tasks']>;
  checkpoints(id: string, after: number, limit: number): Promise<RunPartLists['checkpoints']>;
  issues(id: string): Promise<RunPartLists['issues']>;
  signals(id: string, page: Page): Promise<RunPartLists['signals']>;
}

/** Most entries of a part. */
const PART_LIMIT = 500;
/** One more than a part has tells that there are more. */
const LIMIT = PART_LIMIT + 1;

type ListPart = keyof RunPartLists;

const READ: {
  readonly [Part in ListPart]: (runs: RunLists, id: string) => Promise<RunPartLists[Part]>;
} = {
  nodes: (runs, id) => runs.nodeRuns(id, { limit: LIMIT }),
  attempts: (runs, id) => runs.attempts(id, undefined, { limit: LIMIT }),
  events: (runs, id) => runs.events(id, 0, LIMIT),
  artifacts: (runs, id) => runs.artifacts(id, { limit: LIMIT }),
  tasks: (runs, run) => runs.tasks({ run, status: 'any', limit: LIMIT }),
  checkpoints: (runs, id) => runs.checkpoints(id, 0, LIMIT),
  issues: (runs, id) => runs.issues(id),
  signals: (runs, id) => runs.signals(id, { limit: LIMIT }),
};

/** Lists are read side by side: what happens meanwhile may be in one and not yet in another. */
export async function snapshotOf(
  runs: RunLists,
  id: string,
  parts: readonly RunPart[],
): Promise<RunSnapshot> {
  assertParts(parts);
  // First: nothing that is read after it is older than `seq`.
  const head = await runs.head(id);
  const lists = [...new Set(parts)].filter((part) => part !== 'plan');
  const [definition, ...pages] = await Promise.all([
    parts.includes('plan') ? runs.plan(head.plan) : undefined,
    ...lists.map(async (part) => ({ part, entries: await READ[part](runs, id) })),
  ]);
  const cut = pages.map(({ part, entries }) => [part, entries.slice(0, PART_LIMIT)] as const);
  return {
    ...head,
    ...(definition !== undefined && { definition }),
    ...Object.fromEntries(cut),
    more: pages.filter(({ entries }) => entries.length > PART_LIMIT).map(({ part }) => part),
  };
}

/** Throws `argument-invalid`. */
function assertParts(parts: readonly RunPart[]): void {
  const names: readonly unknown[] = ['plan', ...Object.keys(READ)];
  if (Array.isArray(parts) && parts.every((part) => names.includes(part))) return;
  throw new RunchartError('argument-invalid', `the parts are a list of ${names.join(', ')}`);
}
