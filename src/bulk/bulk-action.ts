/** What can be done to many runs, and to which of them it makes sense. */
import { createHash } from 'node:crypto';
import type { ChangeOptions } from '../change/change-options.js';
import { RunchartError } from '../errors.js';
import { isFinal, RUN_STATUSES, type RunStatus } from '../machines/statuses.js';
import type { JsonObject, JsonValue } from '../plan/json.js';
import type { BulkFilter } from './bulk-filter.js';

/** What is done to each of many runs, with what it needs. */
export type BulkAction =
  | { readonly type: 'cancel'; readonly reason?: string }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'signal'; readonly name: string; readonly payload?: JsonValue }
  /** Of a run that has ended: a fork from before its failure. Of one that is blocked: its blocked nodes. */
  | { readonly type: 'retry' };

export const BULK_ACTIONS = ['cancel', 'pause', 'resume', 'signal', 'retry'] as const;

/** What the actions need of the orchestrator. */
export interface BulkTarget {
  cancel(run: string, options: { reason?: string; by?: string }): Promise<unknown>;
  pause(run: string): Promise<void>;
  resume(run: string): Promise<void>;
  signal(
    run: string,
    name: string,
    options: { payload?: JsonValue; id?: string },
  ): Promise<unknown>;
  retryNode(run: string, node: string, options: { by?: string }): Promise<void>;
  retryRun(run: string, options: ChangeOptions & { readonly id: string }): Promise<{ id: string }>;
  /** Paths of node runs that are blocked; a thousand at most. */
  blockedNodes(run: string): Promise<readonly string[]>;
}

export interface BulkRequest {
  readonly action: BulkAction;
  readonly by: string;
  /** Names the whole undertaking: what is done twice under it is done once. */
  readonly name: string;
}

/** How much of a fork's id is that of its run, in characters. */
const LONGEST_OWN = 100;
const DIGEST = 16;
const LIVE = RUN_STATUSES.filter((status) => !isFinal(status));

/** Statuses of the runs that an action is for; those that were cancelled are retried only if asked for. */
export function statusesFor({ type }: BulkAction, filter: BulkFilter): readonly RunStatus[] {
  const isAsked = (status: RunStatus) => filter.status?.includes(status) ?? true;
  switch (type) {
    case 'cancel':
    case 'signal':
      return LIVE.filter(isAsked);
    case 'pause':
      return LIVE.filter((status) => status !== 'paused' && isAsked(status));
    case 'resume':
      return (['paused'] as const).filter(isAsked);
    case 'retry': {
      const wantsCancelled = filter.status?.includes('cancelled') === true;
      const own: RunStatus[] = [
        'failed',
        'blocked',
        ...(wantsCancelled ? ['cancelled' as const] : []),
      ];
      return own.filter(isAsked);
    }
  }
}

/** Throws `argument-invalid`. */
export function readAction(given: unknown): BulkAction {
  const action = given as JsonObject;
  const type = BULK_ACTIONS.find((known) => known === action?.type);
  if (type === undefined) {
    const message = `the action is one of ${BULK_ACTIONS.join(', ')}`;
    throw new RunchartError('argument-invalid', message);
  }
  const { name, reason } = action;
  if (type === 'signal' && (typeof name !== 'string' || name === '')) {
    throw new RunchartError('argument-invalid', 'the signal has a name');
  }
  if (reason !== undefined && (typeof reason !== 'string' || reason.length > 2_000)) {
    throw new RunchartError('argument-invalid', 'a reason has up to 2,000 characters');
  }
  return action as unknown as BulkAction;
}

/** Does it to one run; resolves with what there is to say about it. */
export async function perform(
  target: BulkTarget,
  { action, by, name }: BulkRequest,
  run: string,
  isEnded: boolean,
): Promise<JsonObject> {
  switch (action.type) {
    case 'cancel':
      await target.cancel(run, {
        by,
        ...(action.reason !== undefined && { reason: action.reason }),
      });
      return {};
    case 'pause':
    case 'resume':
      await target[action.type](run);
      return {};
    case 'signal':
      await target.signal(run, action.name, {
        payload: action.payload ?? null,
        id: `bulk:${name}`,
      });
      return {};
    case 'retry':
      return isEnded ? retryEnded(target, by, name, run) : retryBlocked(target, by, run);
  }
}

/** Under an id of its own, so that it is one fork however often it is asked for. */
async function retryEnded(
  target: BulkTarget,
  by: string,
  name: string,
  run: string,
): Promise<JsonObject> {
  const { id } = await target.retryRun(run, { by, id: `${shortened(run)}.${name.slice(-12)}` });
  return { fork: id };
}

/** Of an id that leaves no room for more the beginning, with a digest of all of it. */
function shortened(run: string): string {
  if (run.length <= LONGEST_OWN) return run;
  const digest = createHash('sha256').update(run).digest('hex').slice(0, DIGEST);
  return `${run.slice(0, LONGEST_OWN - DIGEST - 1)}.${digest}`;
}

async function retryBlocked(target: BulkTarget, by: string, run: string): Promise<JsonObject> {
  const nodes = await target.blockedNodes(run);
  for (const node of nodes) await target.retryNode(run, node, { by });
  return { nodes: [...nodes] };
}
