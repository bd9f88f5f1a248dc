/** Real processes, killed and started again until their runs are done; see round.ts and checks.ts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from './checks.js';
import { ProductCopy, WORKER_MODULES } from './product-copy.js';
import { type Defect, KILL_POINTS, type KillPoint } from './protocol.js';
import { type Kill, playRound, type RoundReport, randomKills } from './round.js';
import type { Scenario } from './scenario.js';

const ROUNDS = Number(process.env.RUNCHART_FAULT_ROUNDS ?? 6);
const SEED = Number(process.env.RUNCHART_FAULT_SEED ?? 1);
const TIME_MS = 30_000 + ROUNDS * 30_000;

let copy: ProductCopy;
beforeAll(() => {
  copy = new ProductCopy(WORKER_MODULES);
});
afterAll(() => copy.remove());

const WORK_WITHOUT_OUTPUT = { beforeMs: 0, afterMs: 0, failures: 0, heedsSignal: false };

const RECOVERY_POINTS = KILL_POINTS.filter((point) => point.startsWith('recovery'));
const WORK_POINTS = KILL_POINTS.filter((point) => !point.startsWith('recovery'));

/** The first rounds go through the named points, the further ones are left to chance. */
function killsOf(round: number): Kill[] {
  const work = WORK_POINTS[round];
  const recovery = RECOVERY_POINTS[round % RECOVERY_POINTS.length];
  if (work === undefined || recovery === undefined) return randomKills(SEED + round);
  const first = {
    at: 'point',
    point: work,
    nth: work === 'after-acknowledgement' ? 2 : 5,
  } as const;
  const second = { at: 'point', point: recovery, nth: 1 } as const;
  return [first, second, { at: 'random', kill: { afterLines: 10 + 5 * round, delayMs: 1 } }];
}

describe('a process that is killed', () => {
  const reports: RoundReport[] = [];
  beforeAll(async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      reports.push(await playRound({ copy, seed: SEED + round, kills: killsOf(round) }));
    }
  }, TIME_MS);

  function found(kind: Finding['kind']): string[] {
    return reports.flatMap(({ seed, findings }) =>
      findings
        .filter((finding) => finding.kind === kind)
        .map(({ message }) => `seed ${seed}: ${message}`),
    );
  }

  it('dies at every named point and at random ones', () => {
    const points = new Set<KillPoint>(reports.flatMap((report) => report.points));
    expect([...points].sort()).toEqual([...KILL_POINTS].sort());
    const named = reports.flatMap((report) => report.points).length;
    const crashes = reports.reduce((sum, report) => sum + report.crashes, 0);
    expect(crashes).toBeGreaterThan(named);
  });

  it('runs on the production build of XState', () => {
    const builds = reports.flatMap(({ history }) =>
      history.lives.flatMap(({ life }) =>
        life.lines.flatMap((line) => (line.is === 'loaded' ? [line.xstate] : [])),
      ),
    );
    expect(builds.length).toBeGreaterThan(0);
    for (const build of builds) expect(build).not.toContain('development');
  });

  it('S157 S27 leaves whole turns on disk, and every turn, start, answer, cancel and event that it acknowledged: promises one, two, eleven and thirteen', () => {
    expect(found('lost')).toEqual([]);
  });

  it('S165 S166 runs no finished node, evaluates no edge and takes no answer twice, and executes a node once, and once per crash and retry: promises three, four and eight', () => {
    expect(found('repeated')).toEqual([]);
    expect(reports.some(({ effects }) => effects > 0)).toBe(true);
  });

  it('S164 S167 leaves no run, attempt, task or timer behind when it is started again: promises ten and seventeen', () => {
    expect(found('stuck')).toEqual([]);
    expect(reports.some(({ interruptions }) => interruptions > 0)).toBe(true);
  });

  it('S166 ends every run as it ends without a crash, starts nothing that was not taken and nothing after a cancel: promises six and nine', () => {
    expect(found('wrong')).toEqual([]);
  });
});

describe('a node that kills its process', () => {
  const MAX_INTERRUPTIONS = 2;
  const scenario: Scenario = {
    seed: 0,
    runs: [
      {
        id: 'poisoned',
        plan: {
          title: 'Poisoned',
          nodes: [
            { kind: 'action', id: 'before', handler: 'work' },
            {
              kind: 'action',
              id: 'poison',
              handler: 'work',
              retry: { maxInterruptions: MAX_INTERRUPTIONS },
            },
          ],
          edges: [{ source: 'before', target: 'poison' }],
        },
        input: {},
        concurrency: 1,
        work: { before: WORK_WITHOUT_OUTPUT, poison: WORK_WITHOUT_OUTPUT },
        responses: {},
      },
    ],
  };

  it('S164 S166 fails after its interruptions, and the one before it, whose output is undefined, never runs again', async () => {
    const effect = (nth: number): Kill => ({ at: 'point', point: 'before-effect', nth });
    const kills = [effect(2), ...Array.from({ length: MAX_INTERRUPTIONS + 2 }, () => effect(1))];
    const { findings, crashes, history } = await playRound({ copy, seed: 0, kills, scenario });
    expect(crashes).toBe(MAX_INTERRUPTIONS + 1);
    expect(findings).toEqual([{ kind: 'wrong', message: 'poisoned is failed, not completed' }]);
    const calls = history.lives.flatMap(({ life }) =>
      life.lines.flatMap((line) => (line.is === 'called' ? [line.key] : [])),
    );
    expect(calls).toEqual([
      'poisoned/before/1/1',
      'poisoned/poison/1/1',
      'poisoned/poison/1/2',
      'poisoned/poison/1/3',
    ]);
  }, 60_000);
});

describe('a defect that is planted on purpose', () => {
  const SEED_OF_LONG_RUNS = 3;
  const kills: Kill[] = [{ at: 'point', point: 'after-effect', nth: 8 }];
  const kindsFound = async (defect?: Defect): Promise<Set<Finding['kind']>> => {
    const planted = defect === undefined ? {} : { defect, patienceMs: 5_000 };
    const { findings } = await playRound({ copy, seed: SEED_OF_LONG_RUNS, kills, ...planted });
    return new Set(findings.map(({ kind }) => kind));
  };

  it('is noticed as a loss where a journal acknowledges before it commits', async () => {
    expect(await kindsFound('acknowledges-before-commit')).toContain('lost');
  }, 60_000);

  it('is noticed as a repetition where a store forgets completed nodes', async () => {
    expect(await kindsFound('forgets-completed-nodes')).toContain('repeated');
  }, 60_000);

  it('is noticed as stuck where runs in motion are not taken up again', async () => {
    expect(await kindsFound('recovers-nothing')).toContain('stuck');
  }, 60_000);

  it('is not seen where there is none', async () => {
    expect(await kindsFound()).toEqual(new Set());
  }, 60_000);
});
