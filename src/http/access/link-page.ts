/**
 * The pages of a link to a task. Invariants: whatever comes from a plan or a run is text and never markup; a
 * page runs no script, loads nothing, and tells no other site where its reader comes from.
 */
import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';
import type { LinkChoice } from '../../access/link-choices.js';
import type { OpenedLink } from '../../access/task-links.js';
import type { JsonValue } from '../../plan/json.js';

const STYLE = `body{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}
pre{background:#f4f4f4;padding:1rem;overflow:auto}textarea{width:100%;min-height:6rem}
button{font:inherit;padding:.5rem 1rem;margin:.5rem .5rem 0 0}`;

const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

export const PAGE_HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-robots-tag': 'noindex, nofollow',
} as const;

type Page = ReturnType<typeof html>;

/** What is to be decided, and a form that posts to the link itself. */
export function linkPage({ task, principal, choices, expiresAt }: OpenedLink): Page {
  const { objective, instructions, criteria, input, ...rest } = task.presented;
  return page(html`
    <h1>${textOf(objective ?? task.node)}</h1>
    <p>${textOf(instructions ?? '')}</p>
    ${part('Criteria', criteria)} ${part('What is shown', input)} ${part('More', rest)}
    <form method="post">
      <p><label>Remark<br><textarea name="comment" maxlength="2000"></textarea></label></p>
      ${choices.map(buttonOf)}
    </form>
    <p>You answer as <b>${principal}</b>, once. The link is good until
      ${new Date(expiresAt).toISOString()}.</p>
  `);
}

export function answeredPage(): Page {
  return page(html`<h1>Thank you</h1><p>Your answer is taken. You can close this page.</p>`);
}

export function refusedPage(detail: string, hint: string | undefined): Page {
  return page(html`<h1>Nothing was decided</h1><p>${detail}</p><p>${hint ?? ''}</p>`);
}

function page(content: Page): Page {
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Runchart</title>
<style>${raw(STYLE)}</style>
${content}
</html>`;
}

function buttonOf({ id, label }: LinkChoice): Page {
  return html`<button name="choice" value="${id}">${label}</button>`;
}

/** A part of what is presented, where there is any of it. */
function part(title: string, value: JsonValue | undefined): Page | string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'object' && Object.values(value).every(isNothing)) return '';
  return html`<h2>${title}</h2><pre>${textOf(value)}</pre>`;
}

function isNothing(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}
