/**
 * Cancels, pauses, resumes, signals and retries many runs. Invariants: 1. nothing is done without the token
 * of a preview; 2. what is done was previewed, unless the caller allows for what changed since; 3. runs are
 * visited from the newest to the oldest, a bounded page at a time, each with its own outcome; 4. repeating
 * a page does nothing twice.
 */
import { createHash } from 'node:crypto';
import type { RunRecord } from '../actors/records.js';
import { ownId } from '../actors/tenant.js';
import { RunchartError } from '../errors.js';
import { isFinal, type RunStatus } from '../machines/statuses.js';
import type { JsonObject } from '../plan/json.js';
import { readOptions } from '../read-arguments.js';
import type { RunRows } from '../storage/run-rows.js';
import {
  type BulkAction,
  type BulkTarget,
  perform,
  readAction,
  statusesFor,
} from './bulk-action.js';
import { type BulkFilter, isMeant, readFilter } from './bulk-filter.js';
import {
  type BulkToken,
  digestOfRequest,
  readCursor,
  readToken,
  writeCursor,
  writeToken,
} from './bulk-token.js';

/** Which runs a bulk change would hit, and the token to have it done. */
export interface BulkPreview {
  /** How many runs would be hit. */
  readonly count: number;
  /** The newest of them, twenty at most. */
  readonly sample: readonly {
    readonly id: string;
    readonly status: RunStatus;
    readonly createdAt: number;
  }[];
  /** Has to be brought back to have it done. */
  readonly token: string;
}

/** A page of a bulk change that was previewed. */
export interface BulkApply {
  readonly token: string;
  /** Who asks, for the logs of the runs. */
  readonly by: string;
  /** Where the page before has ended. */
  readonly cursor?: string | undefined;
  /** Runs of this page; 100 unless given, 1,000 at most. */
  readonly limit?: number | undefined;
  /** Does it although other runs are hit by now than were previewed; never to runs that are newer. */
  readonly allowChanges?: boolean | undefined;
}

/** What became of one run of a bulk change. */
export interface BulkOutcome {
  readonly run: string;
  readonly outcome: 'done' | 'refused';
  /** Of the refusal. */
  readonly code?: string;
  readonly message?: string;
  /** What came of it: `{fork}` or `{nodes}` of a retry. */
  readonly detail?: JsonObject;
}

/** A page of a bulk change that was done, and where the next begins. */
export interface BulkPage {
  readonly outcomes: readonly BulkOutcome[];
  /** Asks for the next page; null where all is done. */
  readonly cursor: string | null;
}

export interface BulkParts {
  readonly rows: RunRows;
  readonly target: BulkTarget;
  /** Only runs of this tenant; the empty text is the default tenant. */
  readonly tenant?: string | undefined;
  newName(): string;
}

const SAMPLE = 20;
const PAGE = 500;
const MAX_PAGE = 1_000;
/** Runs that are changed at the same time. */
const AT_ONCE = 50;

interface Wanted {
  readonly action: BulkAction;
  readonly filter: BulkFilter;
}

/** Changes of many runs by filter; see docs/operations.md. */
export class BulkChanges {
  readonly #parts: BulkParts;
  readonly #titles = new Map<string, string>();

  constructor(parts: BulkParts) {
    this.#parts = parts;
  }

  /** Says which runs would be hit, and does nothing. Rejects with `argument-invalid`. */
  async preview(action: BulkAction, filter: BulkFilter): Promise<BulkPreview> {
    const wanted = { action: readAction(action), filter: this.#own(readFilter(filter)) };
    const { rows, tenant } = this.#parts;
    const [newest] = await rows.listRuns({ limit: 1, tenant });
    const sample: RunRecord[] = [];
    const { count, hits } = await this.#count(wanted, newest?.run ?? 0, (run) => {
      if (sample.length < SAMPLE) sample.push(run);
    });
    const of = digestOfRequest(wanted.action, wanted.filter);
    const token = writeToken({
      name: this.#parts.newName(),
      of,
      upTo: newest?.id ?? null,
      count,
      hits,
    });
    const shown = sample.map(({ id, status, createdAt }) => ({ id, status, createdAt }));
    return { count, sample: shown, token };
  }

  /**
   * Does to one page of runs what was previewed; `cursor` of the answer asks for the next. A page may be
   * repeated. Rejects with `bulk-mismatch` where the token is of something else, and on the first page with
   * `bulk-changed` where other runs are hit by now (`data` has the count), or a run is gone that the page begins behind.
   */
  async apply(action: BulkAction, filter: BulkFilter, options: BulkApply): Promise<BulkPage> {
    const wanted = { action: readAction(action), filter: this.#own(readFilter(filter)) };
    const token = readToken(readOptions(options).token, wanted.action, wanted.filter);
    const { cursor, by, allowChanges = false } = options;
    const limit = readLimit(options.limit);
    const upTo = token.upTo === null ? 0 : await this.#numberOf(token.upTo);
    if (cursor === undefined && !allowChanges) await this.#assertUnchanged(wanted, token, upTo);
    const before = cursor === undefined ? upTo + 1 : await this.#numberOf(readCursor(cursor));
    const page: RunRecord[] = [];
    for await (const run of this.#runs(wanted, Math.min(before, upTo + 1))) {
      page.push(run);
      if (page.length === limit) break;
    }
    const last = page.at(-1);
    return {
      outcomes: await this.#perform(wanted.action, by, token.name, page),
      cursor: last === undefined || page.length < limit ? null : writeCursor(last.id),
    };
  }

  /** The place of a run in the order of all. Throws `bulk-changed` where it is not there, or is another tenant's. */
  async #numberOf(id: string): Promise<number> {
    const { rows, tenant } = this.#parts;
    const own = tenant === undefined ? id : ownId(tenant, id);
    const record = own === undefined ? undefined : await rows.getRun(own);
    if (record !== undefined) return record.run;
    throw new RunchartError('bulk-changed', 'a run is gone that the token or the cursor is about', {
      hint: 'preview it again: what is done is not done twice',
    });
  }

  async #assertUnchanged(wanted: Wanted, token: BulkToken, upTo: number): Promise<void> {
    const { count, hits } = await this.#count(wanted, upTo);
    if (hits === token.hits) return;
    const message = `${token.count} runs were previewed, and ${count} are hit now, or other ones`;
    throw new RunchartError('bulk-changed', message, {
      hint: 'preview it again, or allow changes',
      data: { previewed: token.count, count },
    });
  }

  async #count(
    wanted: Wanted,
    upTo: number,
    onRun: (run: RunRecord) => void = () => {},
  ): Promise<{ readonly count: number; readonly hits: string }> {
    const hash = createHash('sha256');
    let count = 0;
    for await (const run of this.#runs(wanted, upTo + 1)) {
      hash.update(`${run.id}\n`);
      count += 1;
      onRun(run);
    }
    return { count, hits: hash.digest('base64url') };
  }

  /** Runs that are meant, with a number below `before`, the newest first; each page by the index of statuses. */
  async *#runs({ action, filter }: Wanted, before: number): AsyncGenerator<RunRecord> {
    const { rows, tenant } = this.#parts;
    const statuses = statusesFor(action, filter);
    if (filter.ids !== undefined) return yield* this.#named(filter, statuses, before);
    for (let next = before; ; ) {
      const pages = await Promise.all(
        statuses.map((status) => rows.listRuns({ status, limit: PAGE, before: next, tenant })),
      );
      const page = pages
        .flat()
        .sort((a, b) => b.run - a.run)
        .slice(0, PAGE);
      for (const run of page) {
        if (isMeant(filter, run, await this.#titleOf(run, filter))) yield run;
      }
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return;
      next = last.run;
    }
  }

  /** With full ids; those of other tenants are none. */
  #own(filter: BulkFilter): BulkFilter {
    const { tenant } = this.#parts;
    if (tenant === undefined || filter.ids === undefined) return filter;
    return { ...filter, ids: filter.ids.flatMap((id) => ownId(tenant, id) ?? []) };
  }

  async *#named(
    filter: BulkFilter,
    statuses: readonly RunStatus[],
    before: number,
  ): AsyncGenerator<RunRecord> {
    const found: RunRecord[] = [];
    for (const id of new Set(filter.ids)) {
      const run = await this.#parts.rows.getRun(id);
      if (run !== undefined && run.run < before && statuses.includes(run.status)) found.push(run);
    }
    for (const run of found.sort((a, b) => b.run - a.run)) {
      if (isMeant(filter, run, await this.#titleOf(run, filter))) yield run;
    }
  }

  async #titleOf({ planHash }: RunRecord, { plan }: BulkFilter): Promise<string> {
    if (plan === undefined || plan === planHash) return '';
    const known = this.#titles.get(planHash);
    if (known !== undefined) return known;
    const planJson = await this.#parts.rows.loadPlan(planHash);
    const { title = '' } = JSON.parse(planJson ?? '{}') as { readonly title?: string };
    this.#titles.set(planHash, title);
    return title;
  }

  async #perform(
    action: BulkAction,
    by: string,
    name: string,
    page: readonly RunRecord[],
  ): Promise<readonly BulkOutcome[]> {
    const outcomes: BulkOutcome[] = [];
    for (let first = 0; first < page.length; first += AT_ONCE) {
      const some = page.slice(first, first + AT_ONCE).map(async ({ id, status }) => {
        const done = perform(this.#parts.target, { action, by, name }, id, isFinal(status));
        return done.then(
          (detail) => doneWith(id, detail),
          (error) => refusedWith(id, error),
        );
      });
      outcomes.push(...(await Promise.all(some)));
    }
    return outcomes;
  }
}

function doneWith(run: string, detail: JsonObject): BulkOutcome {
  return { run, outcome: 'done', ...(Object.keys(detail).length > 0 && { detail }) };
}

/** What would meet every run alike ends the page; it can be repeated. */
function refusedWith(run: string, error: unknown): BulkOutcome {
  if (!(error instanceof RunchartError) || error.retryable) throw error;
  return { run, outcome: 'refused', code: error.code, message: error.message };
}

function readLimit(limit = 100): number {
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= MAX_PAGE) return limit;
  throw new RunchartError('argument-invalid', `limit is a whole number from 1 to ${MAX_PAGE}`);
}
