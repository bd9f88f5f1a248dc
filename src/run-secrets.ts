/**
 * Keeps what a plan calls secret out of everything that is shown of its runs. Invariants: 1. values in the
 * places that its plan, a version of it before, or that of the run it is a subplan of names are masked, and their texts wherever they have got to; 2. runs of plans that
 * name no secret are shown as they are, at the cost of one look at each plan.
 */
import type { LoggedEvent, LogRows } from './actors/delivery-records.js';
import { pastPlansOf } from './actors/past-plans.js';
import type { NodeRunRecord, RunRecord } from './actors/records.js';
import { PAGE, pages } from './pages.js';
import { isJsonObject, type JsonObject, type JsonValue } from './plan/json.js';
import type { Plan } from './plan/schema.js';
import { maskFor, type PlanMask, RunMask, Secrets } from './plan/secrets.js';
import type { RunRows } from './storage/run-rows.js';
import type { AttemptView } from './views.js';

/** Plans whose secrets are known at a time. */
const MAX_PLANS = 1_000;

/** What is secret about one run. */
export interface RunSecrets {
  readonly mask: RunMask;
  readonly found: Secrets;
}

export class SecretKeeper {
  readonly #rows: RunRows;
  readonly #masks = new Map<string, PlanMask | undefined>();

  constructor(rows: RunRows) {
    this.#rows = rows;
  }

  /** Undefined where no plan names a secret of it. */
  async of(record: RunRecord): Promise<RunSecrets | undefined> {
    const hashes = new Set([record.planHash, ...pastPlansOf(record)]);
    const known = await Promise.all([...hashes].map((hash) => this.#maskOf(hash)));
    const plans = known.filter((mask) => mask !== undefined);
    const parent = await this.#ofParent(record);
    if (plans.length === 0 && parent === undefined) return undefined;
    const found = new Secrets();
    if (parent !== undefined) found.addAll(parent.found);
    const { parentNode } = record;
    const mask = new RunMask(plans, (value) =>
      parent === undefined || parentNode === null
        ? value
        : parent.mask.nodeInput(parentNode, value, found),
    );
    mask.inputs(JSON.parse(record.inputJson) as JsonValue, found);
    if (mask.hasNodes) await this.#collect(record.run, mask, found);
    return { mask, found };
  }

  /** Whether it is known that nothing of a run is secret, without looking anything up. */
  knowsNone(record: RunRecord): boolean {
    const { planHash, parentId } = record;
    const hashes = [planHash, ...pastPlansOf(record)];
    const isKnown = (hash: string) => this.#masks.has(hash) && this.#masks.get(hash) === undefined;
    return parentId === null && hashes.every(isKnown);
  }

  async #ofParent({ parentId }: RunRecord): Promise<RunSecrets | undefined> {
    if (parentId === null) return undefined;
    const parent = await this.#rows.getRun(parentId);
    return parent && this.of(parent);
  }

  /** What is shown of a run, without its secrets; `inPlace` masks those that are known by their places alone. */
  async hide<T>(
    record: RunRecord,
    view: T,
    inPlace: (secrets: RunSecrets, view: T) => T = (_, shown) => shown,
  ): Promise<T> {
    const secrets = await this.of(record);
    if (secrets === undefined) return view;
    const masked = inPlace(secrets, view);
    return secrets.found.hide(masked);
  }

  /** The log of all runs, without what their plans call secret. */
  log(log: LogRows): LogRows {
    const masked = (events: readonly LoggedEvent[]) => {
      // One look at each run for all of its events on a page.
      const known = new Map<string, Promise<Hide>>();
      return Promise.all(events.map((logged) => this.#masked(logged, known)));
    };
    return {
      newestTurn: () => log.newestTurn(),
      planTitle: (hash) => log.planTitle(hash),
      async logAfter(after, limit, tenant) {
        const page = await log.logAfter(after, limit, tenant);
        return { ...page, events: await masked(page.events) };
      },
      async runLogAfter(run, seq, limit) {
        return masked(await log.runLogAfter(run, seq, limit));
      },
    };
  }

  async #masked(logged: LoggedEvent, known: Map<string, Promise<Hide>>): Promise<LoggedEvent> {
    const { planHash, runId, hasOtherPlans, event } = logged;
    if (!hasOtherPlans && (await this.#maskOf(planHash)) === undefined) return logged;
    const hide = known.get(runId) ?? this.#hideOf(runId);
    known.set(runId, hide);
    const detail = (await hide)(JSON.parse(event.detailJson) as JsonObject);
    return { ...logged, event: { ...event, detailJson: JSON.stringify(detail) } };
  }

  /** What hides the secrets of a run; of one that is gone by now, everything. */
  async #hideOf(runId: string): Promise<Hide> {
    const record = await this.#rows.getRun(runId);
    if (record === undefined) return () => ({});
    const secrets = await this.of(record);
    return (detail) => secrets?.found.hide(detail) ?? detail;
  }

  async hideInput<T>(
    hash: string,
    input: JsonValue,
    beside: T,
  ): Promise<readonly [input: JsonValue, beside: T]> {
    const mask = await this.#maskOf(hash);
    if (mask === undefined) return [input, beside];
    const found = new Secrets();
    const shown = mask.inputs(input, found);
    return [shown, found.hide(beside)];
  }

  async #maskOf(hash: string): Promise<PlanMask | undefined> {
    if (this.#masks.has(hash)) return this.#masks.get(hash);
    const planJson = await this.#rows.loadPlan(hash);
    if (planJson === undefined) return undefined;
    const mask = maskFor(JSON.parse(planJson) as Plan);
    if (this.#masks.size >= MAX_PLANS) this.#masks.clear();
    this.#masks.set(hash, mask);
    return mask;
  }

  /** What its nodes got and gave, in every generation, and what they had got before they were given something else. */
  async #collect(run: number, mask: RunMask, found: Secrets): Promise<void> {
    const take = ({ node, inputJson, outputJson = null }: NodeValues) => {
      if (inputJson !== null) mask.nodeInput(node, JSON.parse(inputJson) as JsonValue, found);
      if (outputJson !== null) mask.nodeOutput(node, JSON.parse(outputJson) as JsonValue, found);
    };
    const rows = this.#rows;
    const present = (after?: NodeRunRecord) => rows.listNodeRuns(run, after?.node, PAGE);
    const past = (after?: NodeRunRecord) => rows.pastNodeRuns(run, after, PAGE);
    for await (const row of pages(present)) take(row);
    for await (const row of pages(past)) take(row);
    for await (const row of rows.rowsOf(run, 'pastInputs')) take(row);
  }
}

type Hide = (detail: JsonObject) => JsonObject;

interface NodeValues {
  readonly node: string;
  readonly inputJson: string | null;
  readonly outputJson?: string | null;
}

interface ShownNode {
  readonly node: string;
  readonly input?: JsonValue;
  readonly output?: JsonValue;
}

/** What a node run got and gave. */
export function maskNode<T extends ShownNode>({ mask, found }: RunSecrets, view: T): T {
  const { node, input, output } = view;
  return {
    ...view,
    ...(input !== undefined && { input: mask.nodeInput(node, input, found) }),
    ...(output !== undefined && { output: mask.nodeOutput(node, output, found) }),
  };
}

/** What an attempt got and gave; what a substitute got has the input of its node inside. */
export function maskAttempt(secrets: RunSecrets, view: AttemptView): AttemptView {
  const { input, ...rest } = view;
  if (!view.isSubstitute || !isJsonObject(input)) return maskNode(secrets, view);
  const given = secrets.mask.nodeInput(view.node, input.input ?? null, secrets.found);
  return { ...maskNode(secrets, rest), input: { ...input, input: given } };
}

/** Outputs by the nodes that gave them. */
export function maskOutputs(
  { mask, found }: RunSecrets,
  outputs: Readonly<Record<string, JsonValue>>,
): Record<string, JsonValue> {
  return Object.fromEntries(
    Object.entries(outputs).map(([node, output]) => [node, mask.nodeOutput(node, output, found)]),
  );
}

/** A payload that has a schema of its own. */
export function maskPayload<
  T extends { readonly payload?: JsonValue; readonly schema?: JsonValue },
>({ mask, found }: RunSecrets, view: T): T {
  const { payload, schema } = view;
  if (payload === undefined || schema === undefined) return view;
  return { ...view, payload: mask.value(schema, payload, found) };
}

/** What a person is shown: the input of the node that asks. */
export function maskTask<T extends { readonly node: string; readonly presented: JsonObject }>(
  { mask, found }: RunSecrets,
  view: T,
): T {
  const { input } = view.presented;
  if (input === undefined) return view;
  return {
    ...view,
    presented: { ...view.presented, input: mask.nodeInput(view.node, input, found) },
  };
}

/** What an output was set to. */
export function maskChange<T extends { readonly node: string; readonly value?: JsonValue }>(
  { mask, found }: RunSecrets,
  view: T,
): T {
  const { node, value } = view;
  return value === undefined ? view : { ...view, value: mask.nodeOutput(node, value, found) };
}
