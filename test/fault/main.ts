/** `npm run fault`: rounds of kills and restarts, and one line that says what came of them. */
import { parseArgs } from 'node:util';
import type { Finding } from './checks.js';
import { ProductCopy, WORKER_MODULES } from './product-copy.js';
import { describeLife, playRound, type RoundReport } from './round.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    verbose: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const seed = Number(values.seed);
if (!Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(seed)) {
  console.error('usage: npm run fault -- [--rounds N] [--seed S] [--verbose]');
  process.exit(2);
}

const found: Finding[] = [];
const reports: RoundReport[] = [];
console.log(`seed ${seed}`);
const copy = new ProductCopy(WORKER_MODULES);
try {
  for (let round = 0; round < rounds; round += 1) {
    const report = await playRound({ copy, seed: seed + round });
    reports.push(report);
    found.push(...report.findings);
    if (values.verbose || report.findings.length > 0) print(report);
  }
} finally {
  copy.remove();
}
summarise();
const count = (kind: Finding['kind']) => found.filter((finding) => finding.kind === kind).length;
if (count('wrong') > 0) console.log(`wrong in another way: ${count('wrong')}`);
console.log(
  `fault: rounds=${rounds} lost=${count('lost')} repeated=${count('repeated')} stuck=${count('stuck')}`,
);
process.exitCode = found.length === 0 ? 0 : 1;

function print({ seed: own, findings, history }: RoundReport): void {
  console.log(`round of seed ${own}`);
  for (const { life } of history.lives) console.log(`  ${describeLife(life)}`);
  if (findings.length === 0) return;
  for (const { kind, message } of findings.slice(0, 20)) console.log(`  ${kind}: ${message}`);
  console.log(`  repeat it: npm run fault -- --rounds 1 --seed ${own} --verbose`);
}

function summarise(): void {
  const sum = (of: (report: RoundReport) => number) =>
    reports.reduce((total, report) => total + of(report), 0);
  const perPoint = new Map<string, number>();
  for (const point of reports.flatMap((report) => report.points)) {
    perPoint.set(point, (perPoint.get(point) ?? 0) + 1);
  }
  const runs = sum(({ history }) => history.scenario.runs.length);
  console.log(
    `${runs} runs, ${sum((r) => r.crashes)} kills, ${sum((r) => r.effects)} effects, ${sum((r) => r.interruptions)} attempts interrupted`,
  );
  const points = [...perPoint].map(([point, times]) => `${point} ${times}`);
  console.log(`kills at named points: ${points.join(', ') || 'none'}`);
}
