/** The handlers of plan.yaml. Paths are relative to the directory in which the process was started. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { headings, lines, links, markers, words } from './checks.mjs';
import { listDocuments } from './documents.mjs';
import { renderReport, summarise } from './report.mjs';

const REPORTS = join('.runchart', 'reports');

/** @param {{ folder?: string, alsoFiles?: string[], maxLineLength?: number, pauseMs?: number }} request */
async function list({
  folder = 'docs',
  alsoFiles = ['README.md'],
  maxLineLength = 80,
  pauseMs = 1500,
}) {
  return { files: await listDocuments(folder, alsoFiles), maxLineLength, pauseMs };
}

/**
 * Writes the report beside its place and moves it there: a crash leaves the whole file or none, and
 * a repetition writes the same again.
 *
 * @param {{ summary: import('./report.mjs').Summary, remarks?: string[] }} input
 * @param {import('runchart').HandlerContext} context
 */
async function write({ summary, remarks = [] }, { run }) {
  const text = renderReport(summary, remarks);
  const path = join(REPORTS, `${run}.md`);
  await mkdir(REPORTS, { recursive: true });
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
  return {
    ok: true,
    output: { path, findings: summary.total },
    artifacts: [{ name: 'report', kind: 'markdown', pointer: path, payload: text }],
  };
}

/** @type {import('runchart').Handlers} */
export const handlers = {
  'audit/list': list,
  'audit/links': links,
  'audit/headings': headings,
  'audit/lines': lines,
  'audit/words': words,
  'audit/markers': markers,
  'audit/summarise': summarise,
  'audit/write': write,
};
