import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { openSite } from '../http/support/site.js';
import { action, approval, chain, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

const OPERATIONS = readFileSync('docs/operations.md', 'utf8');

/** The value of a sample, as `name{label="value"}`. */
function sampleOf(text: string, sample: string): number | undefined {
  const line = text.split('\n').find((found) => found.startsWith(`${sample} `));
  return line === undefined ? undefined : Number(line.slice(sample.length + 1));
}

describe('S224 metrics', () => {
  it('S224 count turns, transactions, attempts and runs as they became durable', async () => {
    let tries = 0;
    const work = () => {
      tries += 1;
      if (tries === 1) throw new Error('once');
    };
    const orchestrator = await createOrchestrator({ url: temporaryDatabase(), handlers: { work } });
    onTestFinished(() => orchestrator.close());
    const metrics = createMetrics(orchestrator);
    const other = createMetrics(orchestrator);
    const retry = { maxAttempts: 2, delayMs: 1 };
    const first = await orchestrator.start(plan([action('a', { retry })]).plan, { id: 'r' });
    await first.result();
    const waiting = plan([approval('look'), action('b')], chain('look', 'b')).plan;
    await orchestrator.start(waiting, { id: 'w' });
    await orchestrator.settled('w');

    const text = await metrics.text();
    expect(sampleOf(text, 'runchart_attempts_total{outcome="failed"}')).toBe(1);
    expect(sampleOf(text, 'runchart_attempts_total{outcome="completed"}')).toBe(1);
    expect(sampleOf(text, 'runchart_runs_ended_total{status="completed"}')).toBe(1);
    expect(sampleOf(text, 'runchart_runs{status="awaiting-human"}')).toBe(1);
    expect(sampleOf(text, 'runchart_runs{status="running"}')).toBe(0);
    expect(sampleOf(text, 'runchart_runs_resident')).toBe(0);
    expect(sampleOf(text, 'runchart_runs_parked')).toBe(1);
    expect(sampleOf(text, 'runchart_tasks_open')).toBe(1);
    expect(sampleOf(text, 'runchart_timers_pending')).toBe(0);
    expect(sampleOf(text, 'runchart_up')).toBe(1);
    const commits = sampleOf(text, 'runchart_commits_total{outcome="durable"}') ?? 0;
    const turnsTotal = sampleOf(text, 'runchart_turns_total') ?? 0;
    expect(commits).toBeGreaterThan(0);
    expect(sampleOf(text, 'runchart_commit_duration_seconds_count')).toBe(commits);
    // The plans themselves are stored in transactions, too.
    expect(sampleOf(text, 'runchart_commit_group_size_sum')).toBe(turnsTotal + 2);
    for (const outcome of ['threw', 'returned']) {
      const sample = `runchart_handler_duration_seconds_count{handler="work",outcome="${outcome}"}`;
      expect(sampleOf(text, sample)).toBe(1);
    }
    expect(sampleOf(await other.text(), 'runchart_turns_total')).toBe(turnsTotal);

    for (const { name } of await metrics.registry.getMetricsAsJSON()) {
      expect(OPERATIONS).toContain(`\`${name}`);
    }

    metrics.close();
    await orchestrator.start(plan([action('a')]).plan);
    expect(await metrics.text()).not.toContain('runchart_turns_total');
  });

  it('S224 are served as text, and requests are counted by the pattern of their path', async () => {
    const site = await openSite({ work: () => 1 });
    onTestFinished(() => site.close());
    await site.get('/metrics');
    await site.get('/runs/none');
    await site.get('/runs/other');
    await site.get('/nowhere');
    const answer = await site.get('/metrics');
    expect(answer.headers.get('content-type')).toContain('text/plain');
    const text = await answer.text();
    const count = (labels: string) =>
      sampleOf(text, `runchart_http_request_duration_seconds_count{${labels}}`);
    expect(count('method="GET",route="/runs/:id",status="404"')).toBe(2);
    expect(text).not.toContain('nowhere');
    expect((await site.post('/metrics')).status).toBe(405);
  });
});
