/** One round: a scenario, kills, restarts until all is done, and the verdict. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Finding, type History, judge } from './checks.js';
import { takePicture } from './database-copy.js';
import { type Life, live, type RandomKill } from './incarnation.js';
import type { ProductCopy } from './product-copy.js';
import { type Defect, KILL_POINTS, type KillPoint } from './protocol.js';
import { randomScenario, type Scenario } from './scenario.js';
import { Seeded } from './seeded.js';

export type Kill =
  | { readonly at: 'random'; readonly kill: RandomKill }
  | { readonly at: 'point'; readonly point: KillPoint; readonly nth: number };

export interface RoundOptions {
  readonly copy: ProductCopy;
  readonly seed: number;
  /** Drawn from the seed where absent. */
  readonly kills?: readonly Kill[];
  /** Likewise. */
  readonly scenario?: Scenario;
  readonly defect?: Defect;
  readonly patienceMs?: number;
}

export interface RoundReport {
  readonly seed: number;
  readonly findings: readonly Finding[];
  readonly crashes: number;
  /** Named points at which the child died. */
  readonly points: readonly KillPoint[];
  readonly effects: number;
  readonly interruptions: number;
  readonly history: History;
}

const PATIENCE_MS = 30_000;
const MAX_KILLS = 5;
const SCENARIO_SEEDS_APART = 7_919;

export function randomKills(seed: number): Kill[] {
  const random = new Seeded(seed);
  return Array.from({ length: random.int(2, MAX_KILLS) }, (_, place) => randomKill(random, place));
}

function randomKill(random: Seeded, place: number): Kill {
  if (random.chance(0.4)) {
    const afterLines = random.chance(0.2) ? random.int(0, 2) : random.int(3, 90);
    // Without a line to wait for, the time is that of loading and opening.
    const delayMs = afterLines === 0 ? random.int(0, 600) : random.int(0, 8);
    return { at: 'random', kill: { afterLines, delayMs } };
  }
  const points = KILL_POINTS.filter((point) => place > 0 || !point.startsWith('recovery'));
  const point = random.pick(points);
  return { at: 'point', point, nth: random.int(1, point.startsWith('recovery') ? 3 : 15) };
}

export async function playRound(options: RoundOptions): Promise<RoundReport> {
  const { copy, seed, patienceMs = PATIENCE_MS } = options;
  const kills = options.kills ?? randomKills(seed);
  const scenario = options.scenario ?? randomScenario(seed * SCENARIO_SEEDS_APART);
  const folder = copy.makeFolder();
  try {
    const round = { ...options, folder, scenario, patienceMs };
    const [lives, reference] = await Promise.all([liveOn(round, kills), playReference(round)]);
    return toReport(seed, { scenario, lives, reference });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Round extends RoundOptions {
  readonly folder: string;
  readonly scenario: Scenario;
  readonly patienceMs: number;
}

async function liveOn(round: Round, kills: readonly Kill[]): Promise<History['lives'][number][]> {
  const { copy, folder, scenario, defect, patienceMs } = round;
  const database = join(folder, 'runs.db');
  const lives: History['lives'][number][] = [];
  for (let place = 0; ; place += 1) {
    const kill = kills[place];
    const before = lives.flatMap(({ life }) => life.lines);
    const assignment = {
      product: copy.build,
      database,
      scenario,
      answeredTasks: before.flatMap((line) => (line.is === 'answered' ? [line.task] : [])),
      cancelledRuns: before.flatMap((line) => (line.is === 'cancelling' ? [line.run] : [])),
      ...(kill?.at === 'point' && { killAt: kill }),
      ...(defect && { defect }),
    };
    const fromOutside = kill?.at === 'random' ? { kill: kill.kill } : {};
    const life = await live({ copy, folder, assignment, patienceMs, ...fromOutside });
    lives.push({ life, after: await takePicture(database, folder) });
    if (life.end !== 'killed') return lives;
  }
}

/** The same without kills, cancels and defects. */
async function playReference({ copy, scenario }: Round): Promise<History['reference']> {
  const folder = copy.makeFolder();
  try {
    const database = join(folder, 'runs.db');
    const runs = scenario.runs.map(({ cancelAfter: _, ...run }) => run);
    const assignment = {
      product: copy.build,
      database,
      scenario: { ...scenario, runs },
      answeredTasks: [],
      cancelledRuns: [],
    };
    const life = await live({ copy, folder, assignment, patienceMs: PATIENCE_MS });
    return { life, after: await takePicture(database, folder) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function toReport(seed: number, history: History): RoundReport {
  const lines = history.lives.flatMap(({ life }) => life.lines);
  const killed = history.lives.filter(({ life }) => life.end === 'killed');
  const attempts = history.lives.at(-1)?.after.attempts ?? [];
  return {
    seed,
    findings: judge(history),
    crashes: killed.length,
    points: lines.flatMap((line) => (line.is === 'point' ? [line.point] : [])),
    effects: lines.filter((line) => line.is === 'effect').length,
    interruptions: attempts.filter(({ outcome }) => outcome === 'interrupted').length,
    history,
  };
}

/** One sentence on a life, for people. */
export function describeLife({ lines, end }: Life): string {
  const count = (is: string) => lines.filter((line) => line.is === is).length;
  const point = lines.find((line) => line.is === 'point');
  const where = point?.is === 'point' ? ` at ${point.point}` : '';
  return `${end}${where}: ${count('committed')} turns, ${count('effect')} effects, ${count('answered')} answers`;
}
