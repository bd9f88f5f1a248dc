/** What whoever follows a link to a task is answered: pages, which decide nothing, and one answer. */
import type { Context } from 'hono';
import type { AuditTrail } from '../../access/audit-trail.js';
import type { LinkAnswer, TaskLinks } from '../../access/task-links.js';
import { toProblem } from '../problem.js';
import { readForm } from '../read-body.js';
import { addressOf } from './guard.js';
import { answeredPage, linkPage, PAGE_HEADERS, refusedPage } from './link-page.js';
import { limit, type RateLimit } from './rate-limit.js';

/** Of the part of a link that names it, `rcl_` and its id; the rest is secret. */
const NAME_LENGTH = 20;
/** What answers by links are made with. */
export interface LinkParts {
  readonly links: Pick<TaskLinks<unknown>, 'open' | 'answer'>;
  /** What addresses are refused. */
  readonly refused: RateLimit;
}

/** Longest comment, in characters. */
const MAX_COMMENT = 2_000;

export async function showLink(
  context: Context,
  { links, refused }: LinkParts,
  secret: string,
): Promise<Response> {
  try {
    return context.html(linkPage(await links.open(secret)), 200, PAGE_HEADERS);
  } catch (error) {
    limit(context, refused.take(addressOf(context) ?? ''));
    return refusal(context, error);
  }
}

/**
 * The record of it names the link, and never its secret. Of whom is refused too often there is none: it would fill
 * the audit.
 */
export async function answerByLink(
  context: Context,
  { links, audit, refused }: LinkParts & { readonly audit: AuditTrail },
  secret: string,
): Promise<Response> {
  const form = await readForm(context);
  const opened = await links.open(secret).catch(() => undefined);
  if (opened === undefined) limit(context, refused.take(addressOf(context) ?? ''));
  const end = audit.begin({
    session: opened && { tenant: opened.tenant, principal: { name: opened.principal, groups: [] } },
    address: addressOf(context),
    action: 'POST /links/{secret}',
    target: `/links/${secret.slice(0, NAME_LENGTH)}`,
  });
  try {
    await links.answer(secret, answerOf(form));
    await end(200);
    return context.html(answeredPage(), 200, PAGE_HEADERS);
  } catch (error) {
    const { status, code } = toProblem(error);
    await end(status, code);
    return refusal(context, error);
  }
}

function answerOf(form: URLSearchParams): LinkAnswer {
  const comment = (form.get('comment') ?? '').trim().slice(0, MAX_COMMENT).toWellFormed();
  return { choice: form.get('choice') ?? '', comment };
}

/** Throws what is nobody's fault but the server's. */
function refusal(context: Context, error: unknown): Response | Promise<Response> {
  const { status, detail, hint } = toProblem(error);
  if (status >= 500) throw error;
  return context.html(refusedPage(detail, hint), status as 410, PAGE_HEADERS);
}
