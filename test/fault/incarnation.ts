/** One life of the child: from its start until it is killed or done. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { ProductCopy } from './product-copy.js';
import type { Assignment, Line } from './protocol.js';
import { REPORT_FD } from './report.js';

/** A kill from outside: so long after so many lines of the child. */
export interface RandomKill {
  readonly afterLines: number;
  readonly delayMs: number;
}

export interface Life {
  readonly lines: readonly Line[];
  readonly end: 'killed' | 'done' | 'stuck' | 'broken';
  /** What it wrote as an error, if anything. */
  readonly errors: string;
}

export interface LifeOptions {
  readonly copy: ProductCopy;
  readonly folder: string;
  readonly assignment: Assignment;
  readonly kill?: RandomKill;
  /** Time after which a child that is not done counts as stuck. */
  readonly patienceMs: number;
}

/** Runs the child until it ends, by its own doing or not. Nothing that it wrote is lost. */
export async function live(options: LifeOptions): Promise<Life> {
  const { copy, folder, assignment, kill, patienceMs } = options;
  const path = join(folder, 'assignment.json');
  writeFileSync(path, JSON.stringify(assignment));
  const child = spawn(process.execPath, [copy.module('worker'), path], {
    cwd: copy.folder,
    env: { PATH: process.env.PATH, NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  let isStuck = false;
  const patience = setTimeout(() => {
    isStuck = true;
    child.kill('SIGKILL');
  }, patienceMs);
  const lines = await readLines(child, kill);
  clearTimeout(patience);
  return { lines, end: isStuck ? 'stuck' : endOf(child, lines), errors };
}

async function readLines(child: ChildProcess, kill: RandomKill | undefined): Promise<Line[]> {
  const lines: Line[] = [];
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const killSoon = () => setTimeout(() => child.kill('SIGKILL'), kill?.delayMs);
  if (kill?.afterLines === 0) killSoon();
  const reader = createInterface({ input: child.stdio[REPORT_FD] as Readable });
  for await (const text of reader) {
    const line = parseLine(text);
    if (line === undefined) continue;
    lines.push(line);
    if (lines.length === kill?.afterLines) killSoon();
  }
  await closed;
  return lines;
}

/** Undefined for a line that the kill cut off. */
function parseLine(text: string): Line | undefined {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
}

function endOf(child: ChildProcess, lines: readonly Line[]): Life['end'] {
  if (child.signalCode === 'SIGKILL') return 'killed';
  return lines.at(-1)?.is === 'done' && child.exitCode === 0 ? 'done' : 'broken';
}
