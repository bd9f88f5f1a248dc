/** Human tasks as the API shows them: who is asked what, and what people do about it. */
import type { LinkOptions, TaskLink, TaskLinks } from './access/task-links.js';
import { nameOf } from './acting-principal.js';
import type { ArtifactPayloads } from './actors/artifact-payloads.js';
import type { ReturnedValue, RunMessage, TaskChange } from './actors/messages.js';
import type { Principal } from './actors/records.js';
import { refuseResponder } from './actors/run/entitlement.js';
import { RunchartError } from './errors.js';
import type { Keyed } from './keyed.js';
import type { JsonValue } from './plan/json.js';
import { isName, MAX_NAME_LENGTH } from './plan/name.js';
import type { PresentedArtifact } from './presented-artifact.js';
import { readOptions, readText } from './read-arguments.js';
import { toResponse } from './row-views.js';
import type { RunReader } from './run-reader.js';
import { readJson } from './start-options.js';
import type { TaskFilter } from './task-reader.js';
import type { ResponseView, TaskView } from './views.js';

/** Names the groups of a principal, or lists the members of each group. */
export type Groups =
  | Readonly<Record<string, readonly string[]>>
  | ((principal: string) => readonly string[] | Promise<readonly string[]>);

/** An answer to a task, and who gives it. */
export interface RespondOptions extends Keyed {
  readonly response: JsonValue;
  /** Who answers. */
  readonly responder?: string;
  /** The run that the answer is meant for; a task of another is refused. */
  readonly run?: string;
  /** Digest of what the responder was shown; where the task presents something else the answer is refused. */
  readonly digest?: string;
  /** Names the message that brought the answer, at most 256 characters: the same again is the same answer. */
  readonly messageId?: string;
  /** Kept with the answer, at most 16,384 characters. */
  readonly comment?: string;
  /** What is handed over with it: what the node is asked to deliver, for instance. */
  readonly artifacts?: readonly HandedOver[];
}

/** An artifact that somebody hands over: a pointer to it, or its payload. */
export interface HandedOver {
  readonly name: string;
  readonly kind: string;
  readonly pointer?: string;
  readonly payload?: JsonValue;
}

/** What makes an answer that comes again the same one. */
interface RespondedWith {
  readonly response: JsonValue;
  readonly responder: string | undefined;
  readonly messageId: string | null;
}

/** What an answer came to. */
export interface Responded {
  readonly run: string;
  readonly node: string;
  readonly task: string;
  readonly outcome: string;
  /** False where the votes of others are awaited. */
  readonly isDecided: boolean;
}

/** What a change of a task left it as. */
export interface TaskChanged {
  readonly run: string;
  readonly node: string;
  readonly task: string;
  readonly assignee: string | null;
  readonly deadlineAt: number | null;
}

/** Which tasks to list, also by who may answer them. */
export interface TaskPage extends TaskFilter {
  /** Only tasks that this principal may answer now. */
  readonly answerableBy?: string;
}

interface TasksParts {
  readonly runs: RunReader;
  readonly groups: Groups | undefined;
  /** Who asks, where that is known: he acts, whoever is named, and is in these groups too. */
  readonly principal?: Principal | undefined;
  /** He sees only tasks that are his to answer, or that he has answered. */
  readonly isConfined?: boolean;
  readonly payloads: Pick<ArtifactPayloads, 'keep'>;
  readonly links: Pick<TaskLinks<Responded>, 'create' | 'revoke'>;
  send(run: string, message: RunMessage, idempotencyKey?: string): Promise<unknown>;
}

const MAX_COMMENT_LENGTH = 16_384;

/** Human tasks: listed, answered, claimed, handed on. */
export class Tasks {
  readonly #parts: TasksParts;

  constructor(parts: TasksParts) {
    this.#parts = parts;
  }

  /** Open tasks, unless another status is asked for; oldest first. */
  async list(page: TaskPage = {}): Promise<TaskView[]> {
    const { answerableBy, ...filter } = readOptions(page);
    const { principal, isConfined } = this.#parts;
    const name = isConfined ? nameOf(principal, answerableBy) : answerableBy;
    const who = name === undefined ? undefined : await this.#principal(name);
    return this.#parts.runs.tasks({ ...filter, ...(who !== undefined && { answerableBy: who }) });
  }

  /** Rejects with `task-unknown`. */
  async get(id: string): Promise<TaskView> {
    const task = await this.#parts.runs.task(id);
    if (this.#parts.isConfined) await this.#assertHis(id);
    return task;
  }

  /** An artifact that a task shows, with its payload. Rejects with `task-unknown`, `artifact-unknown`, `artifact-corrupt`. */
  async artifact(id: string, name: string): Promise<PresentedArtifact> {
    if (this.#parts.isConfined) await this.#assertHis(id);
    return this.#parts.runs.taskArtifact(id, name);
  }

  /** Answers so far, oldest first: one, or the votes. */
  async responses(id: string): Promise<ResponseView[]> {
    if (this.#parts.isConfined) await this.#assertHis(id);
    return this.#parts.runs.responses(id);
  }

  /**
   * Answers a task. Rejects with `task-unknown`, `task-foreign`, `task-closed`, `task-superseded`,
   * `task-claimed`, `task-expired`, `responder-refused`, `responder-excluded`, `vote-repeated`,
   * `presentation-outdated`, `message-conflict` or `response-invalid`.
   */
  async respond(id: string, options: RespondOptions): Promise<Responded> {
    const task = await this.get(id);
    const { run } = readOptions(options);
    if (run !== undefined && readText(run, 'the id of a run') !== task.run) {
      const message = `task ${id} belongs to another run than ${run}`;
      throw new RunchartError('task-foreign', message);
    }
    const { digest = null, messageId = null, comment = null } = options;
    const responder = nameOf(this.#parts.principal, options.responder);
    if (messageId !== null) readName(messageId, 'messageId');
    if (comment !== null) readComment(comment);
    const who = responder === undefined ? null : await this.#principal(responder);
    const response = readJson(options.response, 'the response');
    const { node } = task;
    const product = await this.#keep(options.artifacts, task.run);
    const answer = { response, digest, messageId, comment, node, product };
    const by = { responder: who?.name ?? null, groups: who?.groups ?? [] };
    try {
      const message = { type: 'task.respond', task: id, ...answer, ...by } as const;
      return (await this.#parts.send(task.run, message, options.idempotencyKey)) as Responded;
    } catch (error) {
      return this.#answered(task, { response, responder, messageId }, error);
    }
  }

  /** Takes a task for oneself. Rejects with `task-claimed`, `task-not-claimable`, `task-closed`, `responder-refused`. */
  async claim(id: string, options: { readonly by: string } & Keyed): Promise<TaskChanged> {
    const by = await this.#acting(readOptions(options).by);
    return this.#change(id, { type: 'claim', by }, options);
  }

  /** Gives a task back to all who may answer it. Rejects with `task-claimed` where it belongs to somebody else. */
  async release(id: string, options: { readonly by: string } & Keyed): Promise<TaskChanged> {
    const by = await this.#acting(readOptions(options).by);
    return this.#change(id, { type: 'release', by }, options);
  }

  /** Hands a task on. Rejects with `delegation-refused`, `task-claimed`, `responder-refused`. */
  async delegate(
    id: string,
    options: { readonly by: string; readonly to: string } & Keyed,
  ): Promise<TaskChanged> {
    const { by, to } = readOptions(options);
    const [from, receiver] = [await this.#acting(by), await this.#principal(to)];
    return this.#change(id, { type: 'delegate', by: from, to: receiver }, options);
  }

  /** An operator gives a task to somebody, or with null to nobody. Rejects with `responder-excluded`. */
  async assign(
    id: string,
    options: { readonly to: string | null; readonly by?: string } & Keyed,
  ): Promise<TaskChanged> {
    const { to, by } = readOptions(options);
    const receiver = to === null ? null : await this.#principal(to);
    return this.#change(id, { type: 'assign', by: await this.#by(by), to: receiver }, options);
  }

  /** Puts a task's deadline off, to a time in milliseconds since the epoch. Rejects with `argument-invalid`. */
  async extend(
    id: string,
    options: { readonly deadlineAt: number; readonly by?: string } & Keyed,
  ): Promise<TaskChanged> {
    const { deadlineAt, by } = readOptions(options);
    if (!Number.isSafeInteger(deadlineAt)) {
      throw new RunchartError('argument-invalid', 'deadlineAt is a time in milliseconds');
    }
    return this.#change(id, { type: 'extend', by: await this.#by(by), deadlineAt }, options);
  }

  /**
   * A link by which somebody answers this task, once, without a token; see docs/access.md. Rejects with
   * `task-unknown`, `task-closed`, `argument-invalid`.
   */
  async link(id: string, options: LinkOptions): Promise<TaskLink> {
    const by = nameOf(this.#parts.principal, readOptions(options).by);
    return this.#parts.links.create(await this.get(id), { ...options, by });
  }

  /** Ends all links to a task. Rejects with `task-unknown`. */
  async revokeLinks(id: string): Promise<void> {
    const { id: task } = await this.get(id);
    await this.#parts.links.revoke(task);
  }

  /** One that is neither his to answer nor answered by him is not there. */
  async #assertHis(id: string): Promise<void> {
    const { runs, principal } = this.#parts;
    const task = await runs.rows.findTask(id);
    const who = await this.#principal(principal?.name ?? '');
    if (task !== undefined && refuseResponder(task, who) === undefined) return;
    const given = task === undefined ? [] : await runs.rows.responses(task.run, id);
    if (given.some(({ responder }) => responder === who.name)) return;
    throw new RunchartError('task-unknown', `there is no task ${id}`);
  }

  /** Large payloads are durable before the answer is. */
  async #keep(
    artifacts: readonly HandedOver[] | undefined,
    run: string,
  ): Promise<ReturnedValue | null> {
    if (artifacts === undefined) return null;
    const value = { ok: true, artifacts: readJson(artifacts, 'artifacts') };
    const kept = await this.#parts.payloads.keep({ type: 'returned', value }, run);
    if (kept.type !== 'returned') throw new Error('what was handed over is lost');
    if (kept.fault === undefined) return kept;
    const { code, message } = kept.fault;
    const isTooLarge = code === 'artifact-too-large';
    throw new RunchartError(isTooLarge ? 'argument-invalid' : 'commit-failed', message);
  }

  async #change(id: string, change: TaskChange, { idempotencyKey }: Keyed): Promise<TaskChanged> {
    const { run } = await this.get(id);
    const message = { type: 'task.change', task: id, change } as const;
    return (await this.#parts.send(run, message, idempotencyKey)) as TaskChanged;
  }

  /** A message that has answered the task before is told what came of it. */
  async #answered(
    { id, run, node, status }: TaskView,
    { response, responder, messageId }: RespondedWith,
    error: unknown,
  ): Promise<Responded> {
    const isOver = error instanceof RunchartError && CLOSED.has(error.code);
    const earlier = isOver && messageId !== null ? await this.#stored(id) : [];
    const same = earlier.find((answer) => answer.messageId === messageId);
    if (same === undefined) throw await this.#withoutSecrets(run, error);
    const isSameAnswer = JSON.stringify(same.response) === JSON.stringify(response);
    if (!isSameAnswer || same.responder !== (responder ?? null)) {
      const message = `message ${messageId} has answered task ${id} otherwise`;
      throw new RunchartError('message-conflict', message);
    }
    return { run, node, task: id, outcome: same.outcome, isDecided: status !== 'open' };
  }

  /** Answers as they are stored: what is secret about them has to be compared too. */
  async #stored(id: string): Promise<ResponseView[]> {
    const { rows } = this.#parts.runs;
    const task = await rows.findTask(id);
    return task === undefined ? [] : (await rows.responses(task.run, id)).map(toResponse);
  }

  /** A refusal may show what is presented now. */
  async #withoutSecrets(run: string, error: unknown): Promise<unknown> {
    if (!(error instanceof RunchartError) || error.data === undefined) return error;
    const { code, message, hint, issues } = error;
    const data = await this.#parts.runs.withoutSecrets(run, error.data);
    return new RunchartError(code, message, { ...(hint !== undefined && { hint }), issues, data });
  }

  async #by(name: string | undefined): Promise<Principal | null> {
    const acting = nameOf(this.#parts.principal, name);
    return acting === undefined ? null : this.#principal(acting);
  }

  async #acting(name: string): Promise<Principal> {
    return this.#principal(nameOf(this.#parts.principal, name));
  }

  async #principal(name: string): Promise<Principal> {
    readName(name, 'a name');
    const { principal } = this.#parts;
    const groups = await this.#groupsOf(name);
    const own = name === principal?.name ? principal.groups : [];
    return { name, groups: [...new Set([...groups, ...own])] };
  }

  async #groupsOf(name: string): Promise<readonly string[]> {
    const { groups = {} } = this.#parts;
    if (typeof groups === 'function') return readNames(await groups(name), `groups of ${name}`);
    return Object.entries(groups).flatMap(([group, members]) =>
      readNames(members, `members of ${group}`).includes(name) ? [group] : [],
    );
  }
}

/** Whatever looks people up is told where it does not say a list of names. */
function readNames(names: readonly string[], what: string): readonly string[] {
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names;
  throw new RunchartError('argument-invalid', `the ${what} are no list of names`, {
    hint: 'mend the `groups` that the orchestrator was created with',
  });
}

/** Refusals of an answer that came too late, for which an earlier one is looked up. */
const CLOSED: ReadonlySet<string> = new Set(['task-closed', 'task-superseded', 'vote-repeated']);

function readName(name: string, what: string): void {
  if (isName(name)) return;
  const message = `${what} has 1 to ${MAX_NAME_LENGTH} characters, and no half of a surrogate pair`;
  throw new RunchartError('argument-invalid', message);
}

function readComment(comment: string): void {
  const isText = typeof comment === 'string' && comment.length <= MAX_COMMENT_LENGTH;
  if (isText && comment.isWellFormed()) return;
  const message = `comment has at most ${MAX_COMMENT_LENGTH} characters, and no half of a surrogate pair`;
  throw new RunchartError('argument-invalid', message);
}
