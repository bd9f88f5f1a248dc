/**
 * Links by which one person may answer one task, once, without a token. Invariants: 1. looking at what a
 * link shows decides nothing; 2. a link is good for one task, one person and what was shown when it was made,
 * until it expires, is revoked or the task is closed; 3. an answer is a message named after its link, so that
 * the kernel itself takes no second one.
 */
import type { TaskLinkRecord } from '../actors/access-records.js';
import type { Clock } from '../actors/environment.js';
import type { AccessRows, Journal } from '../actors/ports.js';
import type { Principal } from '../actors/records.js';
import { tenantOf } from '../actors/tenant.js';
import { durable } from '../durable.js';
import { RunchartError } from '../errors.js';
import type { JsonValue } from '../plan/json.js';
import { isName, MAX_NAME_LENGTH } from '../plan/name.js';
import { readOptions, readRemark, readText } from '../read-arguments.js';
import type { ResponseView, TaskView } from '../views.js';
import { choicesOf, type LinkChoice } from './link-choices.js';
import { isSecretOf, newSecret, parseSecret } from './secrets.js';

/** For whom a link is, and how long it is good. */
export interface LinkOptions {
  /** Who is to answer: whoever has the link answers under this name. */
  readonly principal: string;
  /** Groups that he belongs to. */
  readonly groups?: readonly string[] | undefined;
  /** How long the link is good, in milliseconds; three days unless given, 90 at most. */
  readonly expiresInMs?: number | undefined;
  /** Who makes it. */
  readonly by?: string | undefined;
}

/** A link as it is given out, once. */
export interface TaskLink {
  readonly id: string;
  readonly task: string;
  readonly principal: string;
  /** The link itself, as it stands behind `/links/` of a server: shown here and never again. */
  readonly secret: string;
  readonly expiresAt: number;
}

/** What somebody who follows a link is shown. */
export interface OpenedLink {
  readonly task: TaskView;
  readonly tenant: string;
  readonly principal: string;
  readonly choices: readonly LinkChoice[];
  readonly expiresAt: number;
}

/** What somebody sends who follows a link. */
export interface LinkAnswer {
  /** Id of a choice. */
  readonly choice: string;
  readonly comment?: string | undefined;
}

/** Tasks as whoever has the link sees them. */
export interface LinkedTasks<Answered> {
  get(task: string): Promise<TaskView>;
  responses(task: string): Promise<readonly ResponseView[]>;
  respond(
    task: string,
    answer: {
      readonly response: JsonValue;
      readonly digest: string;
      readonly messageId: string;
      readonly comment?: string;
    },
  ): Promise<Answered>;
}

export interface TaskLinksParts<Answered> {
  readonly clock: Clock;
  readonly journal: Pick<Journal, 'write'>;
  readonly rows: AccessRows;
  tasksOf(tenant: string, principal: Principal): LinkedTasks<Answered>;
}

const EXPIRES_IN_MS = 3 * 86_400_000;
const LONGEST_MS = 90 * 86_400_000;
const MAX_GROUPS = 100;

/** Links to tasks of a database: makes them, shows what they are about, and answers by them. */
export class TaskLinks<Answered> {
  readonly #parts: TaskLinksParts<Answered>;

  constructor(parts: TaskLinksParts<Answered>) {
    this.#parts = parts;
  }

  /** Makes a link to an open task. Rejects with `argument-invalid`, `task-closed`, `commit-failed`. */
  async create(task: TaskView, options: LinkOptions): Promise<TaskLink> {
    const { principal, groups, expiresInMs, by } = readLinkOptions(readOptions(options));
    if (task.status !== 'open') throw new RunchartError('task-closed', `task ${task.id} is closed`);
    if (choicesOf(task).length === 0) {
      const message = `the answer to a task of kind ${task.kind} has to be written`;
      throw new RunchartError('argument-invalid', message, { hint: 'answer it with a token' });
    }
    const now = this.#parts.clock.now();
    const { id, text, hash } = newSecret('rcl');
    const record: TaskLinkRecord = {
      id,
      task: task.id,
      tenant: tenantOf(task.run),
      principal,
      groupsJson: JSON.stringify(groups),
      secretHash: hash,
      presentedDigest: task.digest,
      createdAt: now,
      createdBy: by,
      expiresAt: now + expiresInMs,
      revokedAt: null,
    };
    const rows = [
      { type: 'task-link.sweep', before: now - LONGEST_MS },
      { type: 'task-link.put', record },
    ] as const;
    await durable(this.#parts.journal.write(rows));
    return { id, task: task.id, principal, secret: text, expiresAt: record.expiresAt };
  }

  /** Ends all links to a task. */
  async revoke(task: string): Promise<void> {
    const now = this.#parts.clock.now();
    const id = readText(task, 'the id of a task');
    const open = (await this.#parts.rows.taskLinks(id)).filter((link) => link.revokedAt === null);
    const revoked = open.map((link) => ({ ...link, revokedAt: now }));
    const rows = revoked.map((record) => ({ type: 'task-link.put', record }) as const);
    if (rows.length > 0) await durable(this.#parts.journal.write(rows));
  }

  /** What a link shows; changes nothing. Rejects with `link-refused`, whatever is wrong with it. */
  async open(secret: string): Promise<OpenedLink> {
    const { link, tasks } = await this.#find(secret);
    const task = await tasks.get(link.task).catch(refuse);
    const hasAnswered = (await tasks.responses(link.task)).some(
      ({ messageId }) => messageId === messageOf(link),
    );
    if (task.status !== 'open' || hasAnswered || task.digest !== link.presentedDigest)
      throw refused();
    const { tenant, principal, expiresAt } = link;
    return { task, tenant, principal, choices: choicesOf(task), expiresAt };
  }

  /** Answers. Rejects with `link-refused`, `argument-invalid`, and as `Tasks.respond`. */
  async answer(secret: string, answer: LinkAnswer): Promise<Answered> {
    const { choice, comment = '' } = readOptions(answer);
    const { link, tasks } = await this.#find(secret);
    const { choices } = await this.open(secret);
    const chosen = choices.find(({ id }) => id === choice);
    if (chosen === undefined) {
      const hint = `choose one of ${choices.map(({ id }) => id).join(', ')}`;
      throw new RunchartError('argument-invalid', 'this cannot be chosen', { hint });
    }
    return tasks.respond(link.task, {
      response: chosen.response(comment),
      digest: link.presentedDigest,
      messageId: messageOf(link),
      ...(comment !== '' && { comment }),
    });
  }

  async #find(secret: string): Promise<{ link: TaskLinkRecord; tasks: LinkedTasks<Answered> }> {
    const { rows, clock, tasksOf } = this.#parts;
    const parsed = parseSecret('rcl', secret);
    const link = parsed && (await rows.findTaskLink(parsed.id));
    const isRight = isSecretOf(parsed?.secret ?? '', link?.secretHash);
    const isOpen = link?.revokedAt === null && clock.now() < link.expiresAt;
    if (link === undefined || !isRight || !isOpen) throw refused();
    const groups = JSON.parse(link.groupsJson) as string[];
    return { link, tasks: tasksOf(link.tenant, { name: link.principal, groups }) };
  }
}

function messageOf({ id }: TaskLinkRecord): string {
  return `link/${id}`;
}

function refuse(): never {
  throw refused();
}

function refused(): RunchartError {
  return new RunchartError('link-refused', 'The link is not good, or not any more.', {
    hint: 'it is used, has expired, or what it was about has changed: ask for another one',
  });
}

function readLinkOptions({ principal, groups = [], expiresInMs = EXPIRES_IN_MS, by }: LinkOptions) {
  const areGroups = Array.isArray(groups) && groups.length <= MAX_GROUPS && groups.every(isName);
  if (!isName(principal) || !areGroups) {
    const message = `principal and up to ${MAX_GROUPS} groups have 1 to ${MAX_NAME_LENGTH} characters`;
    throw new RunchartError('argument-invalid', message);
  }
  if (Number.isSafeInteger(expiresInMs) && expiresInMs > 0 && expiresInMs <= LONGEST_MS) {
    return { principal, groups, expiresInMs, by: readRemark(by, '`by`') };
  }
  const message = `expiresInMs is a whole number from 1 to ${LONGEST_MS}`;
  throw new RunchartError('argument-invalid', message);
}
