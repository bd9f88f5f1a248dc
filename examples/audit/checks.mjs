/** The five checks. Each reads all files of the listing and returns what it found. */
import { setTimeout as wait } from 'node:timers/promises';
import { anchorsOf, exists, readLines, resolveLink } from './documents.mjs';

/**
 * @typedef {{ files: string[], maxLineLength: number, pauseMs: number }} Listing
 * @typedef {{ file: string, line: number, message: string }} Finding
 * @typedef {import('runchart').HandlerContext} HandlerContext
 */

const WORDS = new Map([
  ['Javascript', 'JavaScript'],
  ['Typescript', 'TypeScript'],
  ['Github', 'GitHub'],
  ['Sqlite', 'SQLite'],
  ['LibSQL', 'libSQL'],
  ['Xstate', 'XState'],
  ['RunChart', 'Runchart'],
  ['NodeJS', 'Node.js'],
]);
const MARKERS = /\b(TODO|FIXME|XXX|TBD)\b/;
const LINK = /\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g;

/**
 * Links to files and headings that are not there. The first attempt waits `pauseMs` in front, so
 * that there is time to kill the process while it works.
 *
 * @param {Listing} listing
 * @param {HandlerContext} context
 */
export async function links({ files, pauseMs }, { signal, attempt }) {
  if (attempt === 1) await wait(pauseMs, undefined, { signal });
  return collect(files, async (file, { text, isCode }) => {
    if (isCode) return [];
    const targets = [...text.replace(/`[^`]*`/g, '').matchAll(LINK)].map(
      ([, target]) => target ?? '',
    );
    const faults = await Promise.all(targets.map((target) => faultOfLink(file, target)));
    return faults.filter((fault) => fault !== undefined);
  });
}

/** @param {string} file @param {string} target */
async function faultOfLink(file, target) {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return undefined;
  const [path = '', anchor] = target.split('#');
  const destination = resolveLink(file, path);
  if (!(await exists(destination))) return `the link ${target} leads nowhere`;
  if (anchor === undefined || !destination.endsWith('.md')) return undefined;
  if ((await anchorsOf(destination)).has(anchor)) return undefined;
  return `${target}: there is no such heading`;
}

/** One title at the top, no level left out, no heading twice. @param {Listing} listing */
export async function headings({ files }) {
  const found = await Promise.all(
    files.map(async (file) => {
      /** @type {Finding[]} */
      const findings = [];
      const seen = new Set();
      let above = 0;
      for (const { number, text, isCode } of await readLines(file)) {
        const [, marks = '', title = ''] = (!isCode && /^(#{1,6})\s+(.*)$/.exec(text)) || [];
        if (marks === '') continue;
        const report = (/** @type {string} */ message) =>
          findings.push({ file, line: number, message });
        if (above === 0 && marks.length !== 1) report('the first heading is not the title');
        if (above > 0 && marks.length === 1) report('a second title');
        if (above > 0 && marks.length > above + 1) report(`level ${above + 1} is left out`);
        if (seen.has(title)) report(`the heading "${title}" stands twice`);
        seen.add(title);
        above = marks.length;
      }
      return findings;
    }),
  );
  return { findings: found.flat() };
}

/** Lines that are too long, outside of tables, code and links, or end in spaces. @param {Listing} listing */
export function lines({ files, maxLineLength }) {
  return collect(files, async (_file, { text, isCode }) => {
    const faults = [];
    const isFixed = isCode || text.trimStart().startsWith('|') || text.includes('](http');
    if (!isFixed && text.length > maxLineLength) faults.push(`${text.length} characters long`);
    if (/[ \t]$/.test(text)) faults.push('spaces at the end');
    return faults;
  });
}

/** Names of products, written as their makers do. @param {Listing} listing */
export function words({ files }) {
  return collect(files, async (_file, { text, isCode }) => {
    if (isCode) return [];
    const prose = text.replace(/`[^`]*`|\]\([^)]*\)/g, ' ');
    return [...WORDS]
      .filter(([wrong]) => new RegExp(`\\b${wrong}\\b`).test(prose))
      .map(([wrong, right]) => `"${wrong}" is written ${right}`);
  });
}

/** Work that somebody left for later. @param {Listing} listing */
export function markers({ files }) {
  return collect(files, async (_file, { text, isCode }) => {
    if (isCode) return [];
    const [, marker] = MARKERS.exec(text.replace(/`[^`]*`/g, '')) ?? [];
    return marker === undefined ? [] : [`a ${marker} is left`];
  });
}

/**
 * Asks `check` for the faults of each line.
 *
 * @param {readonly string[]} files
 * @param {(file: string, line: { number: number, text: string, isCode: boolean }) => Promise<string[]>} check
 */
async function collect(files, check) {
  /** @type {Finding[]} */
  const findings = [];
  for (const file of files) {
    for (const line of await readLines(file)) {
      for (const message of await check(file, line))
        findings.push({ file, line: line.number, message });
    }
  }
  return { findings };
}
