/**
 * Changes of runs by an operator: what a node comes to, going back, another plan, another run in its place.
 * Everything resolves when it is durable. Invariants: each change names who asked for it, in the log; of a
 * replacement the new run is durable before the old one is cancelled, and recovery completes it.
 */
import type { ChangeMessage, ForkMessage } from '../actors/change-messages.js';
import { idOfKey, type KeyedCall, keyedCall } from '../actors/idempotency.js';
import type { Journal, RunKeyRows } from '../actors/ports.js';
import type { RunRecord } from '../actors/records.js';
import type { Replanned } from '../actors/run/replan.js';
import type { Started } from '../actors/supervisor.js';
import { qualifyId, tenantOf } from '../actors/tenant.js';
import { durable } from '../durable.js';
import { RunchartError } from '../errors.js';
import { InTurn } from '../in-turn.js';
import { isFinal } from '../machines/statuses.js';
import type { JsonValue } from '../plan/json.js';
import type { PlanVersion } from '../plan/plan-version.js';
import type { Plan } from '../plan/schema.js';
import { readText } from '../read-arguments.js';
import type { RunDraft, RunDrafts } from '../run-drafts.js';
import { readJson, readOwnRunId } from '../start-options.js';
import type { RunRows } from '../storage/run-rows.js';
import {
  type Asked,
  type ChangedNode,
  type ChangeOptions,
  type CompleteNodeOptions,
  type ForkedRun,
  type ForkOptions,
  type PatchInputOptions,
  type ReplaceOptions,
  type ReplanOptions,
  readAsked,
  readWord,
} from './change-options.js';
import { type ForkPlan, type ForkRequest, planFork } from './fork-draft.js';
import { replacementOf } from './replacement-of.js';

export interface RunChangesParts {
  readonly rows: RunRows;
  readonly drafts: RunDrafts;
  readonly journal: Pick<Journal, 'write'>;
  readonly keys: Pick<RunKeyRows, 'find' | 'replaced'>;
  /** Hands a message to a run; resolves with its reply when that is durable. */
  send(
    run: string,
    message: ChangeMessage | CancelForReplacement,
    idempotencyKey?: string,
  ): Promise<unknown>;
  /** Starts a run with a first message of its own. */
  start(draft: RunDraft, first: ForkMessage, call?: KeyedCall): Promise<Started>;
}

/** A run is cancelled since another one takes its place. */
interface CancelForReplacement {
  readonly type: 'run.cancel';
  readonly by: string | null;
  readonly reason: string | null;
  readonly replacedBy: string;
}

const PAGE = 500;
/** What a change names, in words. */
const NODE = 'the path of a node';

/** What an operator changes about runs that are live, and about those that ended. */
export class RunChanges {
  readonly #parts: RunChangesParts;
  readonly #inTurn = new InTurn();

  constructor(parts: RunChangesParts) {
    this.#parts = parts;
  }

  /**
   * A node counts as done, with the output given; what works for it is aborted. `node` is a path. Rejects
   * with `node-unknown`, `node-final`, `node-not-changeable`, `output-invalid`, `responder-excluded`,
   * `run-ended`, `run-not-started`.
   */
  async completeNode(
    run: string,
    node: string,
    options: CompleteNodeOptions,
  ): Promise<ChangedNode> {
    const asked = readAsked(options);
    const { output, outcome = null, action = null } = options;
    const message = {
      type: 'node.complete',
      node: readText(node, NODE),
      output: output === undefined ? undefined : readJson(output, 'the output'),
      outcome: readWord(outcome, 'outcome'),
      action: readWord(action, 'action'),
      ...asked,
    } as const;
    return (await this.#parts.send(run, message, options.idempotencyKey)) as ChangedNode;
  }

  /** A node counts as skipped: its edges are dead. Rejects as `completeNode`. */
  async skipNode(run: string, node: string, options: ChangeOptions): Promise<ChangedNode> {
    const asked = readAsked(options);
    const message = { type: 'node.skip', node: readText(node, NODE), ...asked } as const;
    return (await this.#parts.send(run, message, options.idempotencyKey)) as ChangedNode;
  }

  /**
   * Another input for a node that is ready, backing off, blocked or awaits a person; an open task is closed,
   * and a new one shows the new input. Rejects with `input-invalid`, and as `completeNode`.
   */
  async patchInput(run: string, node: string, options: PatchInputOptions): Promise<ChangedNode> {
    const asked = readAsked(options);
    const input = readJson(options.input, 'the input');
    const at = readText(node, NODE);
    const message = { type: 'node.patch', node: at, input, ...asked } as const;
    return (await this.#parts.send(run, message, options.idempotencyKey)) as ChangedNode;
  }

  /**
   * Goes back: the node and all that follows from it begin another generation. `node` is a path of the plan
   * itself, or of the iteration that is at work. Rejects as `completeNode`.
   */
  async rollback(run: string, node: string, options: ChangeOptions): Promise<void> {
    const asked = readAsked(options);
    const message = { type: 'run.rollback', node: readText(node, NODE), ...asked } as const;
    await this.#parts.send(run, message, options.idempotencyKey);
  }

  /**
   * Gives a live run another plan. Rejects with PlanInvalidError, `handler-missing`, `input-invalid`,
   * `replan-conflict` where a node at work would change, `run-ended`, `run-not-started`.
   */
  async replan(run: string, plan: Plan, options: ReplanOptions): Promise<Replanned> {
    const asked = readAsked(options);
    const { dryRun = false, cancelRunning = false } = options;
    const message = {
      type: 'run.replan',
      version: this.#parts.drafts.compile(plan),
      isDryRun: dryRun,
      cancelRunning,
      ...asked,
    } as const;
    // A dry run changes nothing: asked again, it says how things are by then.
    const key = dryRun ? undefined : options.idempotencyKey;
    return (await this.#parts.send(run, message, key)) as Replanned;
  }

  /**
   * Makes a new run of a live or ended one as it was at an event. Rejects with PlanInvalidError,
   * `handler-missing`, `argument-invalid`, `history-trimmed`, `node-unknown`, `input-invalid`, `fork-too-large`,
   * `run-conflict`.
   */
  async fork(run: string, options: ForkOptions): Promise<ForkedRun> {
    const asked = readAsked(options);
    const { plan, ...request } = options;
    const record = await this.#record(run);
    const version = plan && this.#parts.drafts.compile(plan);
    const forked = await this.#plan(record, { ...request, version });
    const call = callOf(record, options, version);
    const begin = { from: options.from ?? null, type: 'fork', ...asked, ...call } as const;
    return this.#begin(record, forked, begin);
  }

  /**
   * Tries a run again that failed or was cancelled: a fork from before it began to end. Rejects with
   * `run-not-failed`, and as `fork`.
   */
  async retry(run: string, options: ChangeOptions & { readonly id?: string }): Promise<ForkedRun> {
    readAsked(options);
    const { status } = await this.#record(run);
    if (status === 'failed' || status === 'cancelled') return this.fork(run, options);
    const hint = 'retry a node of it, or fork it';
    throw new RunchartError('run-not-failed', `run ${run} is ${status}`, { hint });
  }

  /**
   * Cancels a live run for a new one with another plan, which carries over what that plan keeps. Rejects
   * with `run-ended`, and as `fork`.
   */
  replace(run: string, plan: Plan, options: ReplaceOptions): Promise<ForkedRun> {
    return this.#inTurn.do(run, async () => {
      const asked = readAsked(options);
      const record = await this.#record(run);
      const version = this.#parts.drafts.compile(plan);
      const call = callOf(record, options, version);
      const isAgain = call.call !== undefined && (await this.#isThere(call.id));
      if (isFinal(record.status) && !isAgain) {
        const hint = 'fork it with the other plan';
        throw new RunchartError('run-ended', `run ${run} has ended as ${record.status}`, { hint });
      }
      const planned = await this.#plan(record, { version });
      const begin = { from: null, type: 'replacement', ...asked, ...call } as const;
      const replacement = await this.#begin(record, planned, begin);
      await this.#cancelReplaced(run, replacement.id, asked);
      return replacement;
    });
  }

  /** The run that took the place of another one, there or not; waits for a replacement that is under way. */
  replacementOf(run: string): Promise<string | undefined> {
    return this.#inTurn.do(run, () => replacementOf(this.#parts, run));
  }

  /** Cancels runs whose replacement is there, where an earlier process did not get to it. */
  async recover(): Promise<void> {
    for (let after = ''; ; ) {
      const pairs = await this.#parts.keys.replaced(after, PAGE);
      const asked = { by: null, reason: null };
      await Promise.all(pairs.map(({ run, by }) => this.#cancelReplaced(run, by, asked)));
      const last = pairs.at(-1);
      if (last === undefined || pairs.length < PAGE) return;
      after = last.run;
    }
  }

  #plan(record: RunRecord, request: ForkRequest): Promise<ForkPlan> {
    const { rows, drafts } = this.#parts;
    return planFork(rows, record, request, (hash) => drafts.version(hash));
  }

  async #begin(
    of: RunRecord,
    { version, origin, carried }: ForkPlan,
    how: Asked & {
      readonly id: string | undefined;
      readonly call: KeyedCall | undefined;
      readonly from: string | null;
      readonly type: 'fork' | 'replacement';
    },
  ): Promise<ForkedRun> {
    const { by, reason, from, type, id, call } = how;
    const draft = await this.#parts.drafts.derived(of, version, {
      id,
      origin: { type, ...origin },
      by,
      asked: { from, inputs: { ...carried.inputs } },
    });
    if (type === 'replacement') await this.#note(of.id, draft.record.id);
    const first = { type: 'run.fork', carried, from, by, reason } as const;
    const started = await this.#parts.start(draft, first, call);
    const nodes = carried.nodeRuns.map(({ node }) => node);
    return { id: draft.record.id, seq: origin.seq, carried: nodes, ...started };
  }

  /** Before the new run is there: it names nobody until then. */
  #note(replaced: string, by: string): Promise<void> {
    const record = {
      purpose: 'replacement',
      key: replaced,
      runId: by,
      startAt: null,
      supersededId: replaced,
      supersededStartAt: null,
    } as const;
    return durable(this.#parts.journal.write([{ type: 'run-key.put', record }]));
  }

  /** One that has ended meanwhile stays as it ended. */
  async #cancelReplaced(
    run: string,
    replacedBy: string,
    asked: { readonly by: string | null; readonly reason: string | null },
  ): Promise<void> {
    try {
      await this.#parts.send(run, { type: 'run.cancel', replacedBy, ...asked });
    } catch (error) {
      const code = error instanceof RunchartError ? error.code : undefined;
      if (code !== 'run-ended' && code !== 'run-ending') throw error;
    }
  }

  async #isThere(id: string | undefined): Promise<boolean> {
    return id !== undefined && (await this.#parts.rows.getRun(id)) !== undefined;
  }

  async #record(id: string): Promise<RunRecord> {
    const record = await this.#parts.rows.getRun(id);
    if (record !== undefined) return record;
    throw new RunchartError('run-unknown', `there is no run ${id}`);
  }
}

/** The call that makes a run of another one, and the id that its run has. */
function callOf(
  { id: of }: RunRecord,
  { idempotencyKey, id, ...asked }: ForkOptions,
  version: PlanVersion | undefined,
): { readonly id: string | undefined; readonly call: KeyedCall | undefined } {
  const tenant = tenantOf(of);
  const own = id === undefined ? undefined : readOwnRunId(tenant, id);
  if (idempotencyKey === undefined) return { id: own, call: undefined };
  const request = JSON.stringify({ ...asked, plan: version?.hash, of, id: own });
  const call = keyedCall(idempotencyKey, JSON.parse(request) as JsonValue);
  return { id: own ?? qualifyId(tenant, idOfKey(idempotencyKey)), call };
}
