/** The handlers of plan.yaml. The site is the folder beside this file. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * @typedef {{ first: string, digest: string, pauseMs: number }} Beginning
 * @typedef {{ page: string, title: string }} Page
 * @typedef {{ pages: Page[], broken: { page: string, link: string }[] }} Findings
 */

const SITE = new URL('site/', import.meta.url);
const FIRST = 'index.html';
const LINK = /<a href="([^"]+)">/g;

/** @param {string} page */
const read = (page) => readFile(new URL(page, SITE), 'utf8');
/** @param {string} text */
const digestOf = (text) => createHash('sha256').update(text).digest('hex');

/** @param {{ pauseMs?: number }} request @returns {Promise<Beginning>} */
async function start({ pauseMs = 2000 }) {
  return { first: FIRST, digest: digestOf(await read(FIRST)), pauseMs };
}

/**
 * Visits each page that can be reached once, in the order in which they are found.
 *
 * @param {Beginning} beginning
 * @param {import('runchart').HandlerContext} context
 */
async function crawl({ first, digest, pauseMs }, { signal, attempt }) {
  if (attempt === 1) await wait(pauseMs, undefined, { signal });
  if (digestOf(await read(first)) !== digest) {
    throw Object.assign(new Error(`${first} has changed`), { class: 'changed' });
  }
  /** @type {Findings} */
  const findings = { pages: [], broken: [] };
  const found = new Map([[first, '']]);
  for (const [page, from] of found) {
    const text = await read(page).catch(() => undefined);
    if (text === undefined) {
      findings.broken.push({ page: from, link: page });
      continue;
    }
    const [, title = page] = /<title>(.*?)<\/title>/.exec(text) ?? [];
    findings.pages.push({ page, title });
    for (const [, link = ''] of text.matchAll(LINK)) if (!found.has(link)) found.set(link, page);
  }
  return findings;
}

/** @param {Findings} findings */
function finish({ pages, broken }) {
  const lines = [
    ...pages.map(({ page, title }) => `${page}: ${title}`),
    ...broken.map(({ page, link }) => `${page}: the link ${link} leads nowhere`),
  ];
  return {
    ok: true,
    output: { pages: pages.length, broken: broken.length },
    artifacts: [{ name: 'report', kind: 'text', payload: `${lines.join('\n')}\n` }],
  };
}

/** @type {import('runchart').Handlers} */
export const handlers = { 'crawl/start': start, 'crawl/process': crawl, 'crawl/finish': finish };
