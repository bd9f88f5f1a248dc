/**
 * Checks a whole database that nobody writes: SQLite's own structure, the chain of every run, and every
 * payload file that a row names. Reads only, page by page; blocks its thread.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOfName } from '../actors/payload-name.js';
import { artifactsPath } from './artifact-files.js';
import { sha256 } from './backup-manifest.js';
import { NAME_OF_PAYLOAD } from './named-payloads.js';
import type { Reader } from './reader.js';
import { verifyRun } from './verify.js';

/** Findings beyond which it looks no further. */
const MAX_FINDINGS = 100;
const PAGE = 500;

const RUNS = `select cast(json_array(run, id) as blob) from runs
  where trimmed_to >= 0 and run > ? order by run limit ${PAGE}`;
const PAYLOADS = `select distinct ${NAME_OF_PAYLOAD} as name
  from artifacts a join runs r on r.run = a.run
  where a.digest is not null and ${NAME_OF_PAYLOAD} > ? order by name limit ${PAGE}`;

/**
 * What is wrong with the database at `path`, in words; nothing where it is whole. Contents of payload files
 * that are `encoded` by a codec do not fit their names, and are not looked at.
 */
export async function verifyDatabase(
  reader: Reader,
  path: string,
  encoded: boolean,
): Promise<readonly string[]> {
  const findings = await structureOf(reader);
  if (findings.length === 0) await verifyRuns(reader, findings);
  await verifyPayloads(reader, { path, encoded }, findings);
  return findings.slice(0, MAX_FINDINGS);
}

async function structureOf(reader: Reader): Promise<string[]> {
  const rows = await reader.cells(`pragma integrity_check(${MAX_FINDINGS})`);
  return rows.map(([text]) => String(text)).filter((text) => text !== 'ok');
}

async function verifyRuns(reader: Reader, findings: string[]): Promise<void> {
  for (let after = 0; ; ) {
    const page = (await reader.jsonRows(RUNS, [after])) as [number, string][];
    for (const [run, id] of page) {
      const verified = await verifyRun(reader, run);
      for (const { message } of verified.findings) findings.push(`run ${id}: ${message}`);
      if (findings.length >= MAX_FINDINGS) return;
      after = run;
    }
    if (page.length < PAGE) return;
  }
}

interface PayloadFolder {
  /** Of the database. */
  readonly path: string;
  readonly encoded: boolean;
}

async function verifyPayloads(
  reader: Reader,
  folder: PayloadFolder,
  findings: string[],
): Promise<void> {
  for (let after = ''; findings.length < MAX_FINDINGS; ) {
    const page = (await reader.cells(PAYLOADS, [after])).map(([name]) => String(name));
    for (const name of page) {
      const finding = await payloadFinding(folder, name);
      if (finding !== undefined) findings.push(finding);
    }
    after = page.at(-1) ?? '';
    if (page.length < PAGE) return;
  }
}

async function payloadFinding(
  { path, encoded }: PayloadFolder,
  name: string,
): Promise<string | undefined> {
  const file = payloadPath(path, name);
  const bytes = await readFile(file).catch(() => undefined);
  if (bytes === undefined) return `payload ${name} is not there`;
  const isWhole = encoded || sha256(bytes) === digestOfName(name);
  return isWhole ? undefined : `payload ${name} is damaged`;
}

/** File of a payload of the database at `path`. */
export function payloadPath(path: string, name: string): string {
  return join(artifactsPath(path), name.slice(0, 2), name);
}
