/** What every event has: what it comes from, and what it belongs to. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import type { BusEvent } from '../../src/delivery/event-bus.js';
import { EMITTER_KINDS, emitterOf } from '../../src/emitters.js';
import { NODE_STATUSES, RUN_STATUSES } from '../../src/machines/statuses.js';
import { plan } from '../../src/plan/builder.js';
import type { JsonObject } from '../../src/plan/json.js';
import { RUN_EVENT_TYPES } from '../../src/run-event-types.js';
import { testKit } from '../../src/testing/test-kit.js';
import type { RunEvent } from '../../src/views.js';
import { temporaryDatabase } from '../support/temporary.js';

const page = readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8');

/** Details that decide what an event comes from, by its type. */
const DETAILS: Readonly<Record<string, readonly JsonObject[]>> = {
  'attempt.refused': [{ worker: 'p:1' }, { worker: 'w', versions: ['2'] }],
  'attempt.interrupted': ['interrupted', 'lease-expired', 'released'].map((code) => ({ code })),
};
const BY = { by: 'ada', responder: 'ada', worker: 'w', child: 'other' };

/** The kinds that the page gives for a type: where it names the type, or else where it names its first part. */
function listedKinds(type: string): string[] {
  const [prefix = ''] = type.split('.');
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \|[^|]*\| (.*) \|$/gm)].filter(([, kind]) =>
    EMITTER_KINDS.some((known) => known === kind),
  );
  const kindsOf = (word: string) =>
    rows.flatMap(([, kind = '', events = '']) => (events.includes(`\`${word}\``) ? [kind] : []));
  const named = kindsOf(type);
  return named.length > 0 ? named : kindsOf(prefix);
}

describe('what an event comes from', () => {
  it.each(RUN_EVENT_TYPES)('S186 %s: is a component that the page names for it', (type) => {
    const given = (DETAILS[type] ?? [{}]).map((detail) => ({ ...BY, ...detail }));
    const kinds = new Set(given.map((detail) => emitterOf(type, 'node', detail).kind));
    expect(kinds).toEqual(new Set(listedKinds(type)));
    for (const kind of kinds) expect(EMITTER_KINDS).toContain(kind);
  });

  it('S186 is named where the log says who it was', () => {
    const of = (type: string, detail: JsonObject) => emitterOf(type, null, detail);
    expect(of('operator.skipped', { by: 'bob' })).toEqual({ kind: 'caller', name: 'bob' });
    expect(of('run.cancel-requested', { by: null })).toEqual({ kind: 'caller' });
    expect(of('task.responded', { responder: 'ann' })).toEqual({ kind: 'caller', name: 'ann' });
    expect(of('attempt.claimed', { worker: 'w1' })).toEqual({ kind: 'executor', name: 'w1' });
    expect(of('child.changed', { child: 'r2' })).toEqual({ kind: 'run', name: 'r2' });
  });

  it('S186 is the run where it is about no node, and a type of another version has one too', () => {
    expect(emitterOf('task.opened', null, {})).toEqual({ kind: 'run' });
    expect(emitterOf('task.opened', 'a', {})).toEqual({ kind: 'node-run' });
    expect(emitterOf('unheard.of', 'a', {})).toEqual({ kind: 'node-run' });
    expect(emitterOf('unheard.of', null, {})).toEqual({ kind: 'run' });
  });
});

const inner = plan('Inner').action('work', { handler: 'work' }).build();
const middle = plan('Middle').subplan('deeper', { plan: 'inner' }).build();
const outer = plan('Outer')
  .plan('middle', middle)
  .plan('inner', inner)
  .subplan('deep', { plan: 'middle' })
  .approval('gate')
  .edge('deep', 'gate')
  .build();

/** Every status that an event tells of is one of those that its kind of thing has. */
function expectStatuses({ type, detail }: RunEvent): void {
  const [prefix] = type.split('.');
  const statuses: readonly string[] = prefix === 'run' ? RUN_STATUSES : NODE_STATUSES;
  if (detail.to === undefined || prefix === 'operator' || type === 'run.forked') return;
  // The first event of a run has nothing to come from.
  expect([null, ...statuses], type).toContain(detail.from);
  expect(statuses, type).toContain(detail.to);
}

describe('what an event belongs to', () => {
  it('S186 is shared with subplans at any depth, with forks and with what takes the place of a run', async () => {
    const kit = await testKit({ handlers: { work: () => 1 } });
    const { orchestrator } = kit;
    const seen: BusEvent[] = [];
    orchestrator.bus.subscribe('*', (event) => seen.push(event));
    const run = await kit.start(outer, { id: 'order', correlation: 'request 7' });
    await kit.drain();
    const fork = await kit.ask(({ change }) => change.fork('order', { by: 'ada' }));
    const other = await kit.ask(({ change }) => change.replace('order', outer, { by: 'ada' }));
    await kit.drain();
    const runs = new Set(seen.map(({ run: id }) => id));
    expect(runs.size).toBeGreaterThanOrEqual(5);
    for (const id of ['order', fork.id, other.id]) expect(runs).toContain(id);
    for (const event of seen) {
      expect(event).toMatchObject({ correlation: 'request 7', id: `${event.run}/${event.seq}` });
      expectStatuses(event);
    }
    expect([...run.log].map(({ correlation }) => correlation)).toEqual(
      Array(run.log.length).fill('request 7'),
    );
    const shown = await orchestrator.runs.events('order');
    const told = seen.filter(({ run: id }) => id === 'order');
    const plain = told.map(({ turn: _, position: __, ...event }) => event);
    expect(plain).toEqual(shown);
  });

  it('S186 is the run itself where its start says nothing, for its subplans too', async () => {
    const kit = await testKit({ handlers: { work: () => 1 } });
    const seen: RunEvent[] = [];
    kit.orchestrator.bus.subscribe('*', (event) => seen.push(event));
    await kit.start(outer, { id: 'plain' });
    await kit.drain();
    expect(new Set(seen.map(({ run }) => run)).size).toBe(3);
    expect(new Set(seen.map(({ correlation }) => correlation))).toEqual(new Set(['plain']));
    const long = kit.orchestrator.start(outer, { correlation: 'x'.repeat(257) });
    await expect(long).rejects.toMatchObject({ code: 'argument-invalid' });
  });

  it('S186 is the same from a database: of a run, of all runs, and of runs that were imported', async () => {
    const handlers = { work: () => 1 };
    const orchestrator = await createOrchestrator({ url: temporaryDatabase(), handlers });
    onTestFinished(() => orchestrator.close());
    const simple = plan('Simple').plan('inner', inner).subplan('deep', { plan: 'inner' }).build();
    await (await orchestrator.start(simple, { id: 'told', correlation: 'request 8' })).result();
    await (await orchestrator.start(simple, { id: 'plain' })).result();
    const told = new Map<string, Set<string>>();
    for await (const { run, correlation } of orchestrator.bus.events({ after: '0/0' })) {
      told.set(correlation, (told.get(correlation) ?? new Set()).add(run));
      if (told.get('plain')?.size === 2) break;
    }
    expect([...told].map(([name, runs]) => [name, runs.size])).toEqual([
      ['request 8', 2],
      ['plain', 2],
    ]);
    const file = temporaryDatabase();
    await writeFile(file, orchestrator.runs.export('plain'));
    await orchestrator.import(file, { as: 'copy' });
    for (const { id } of await orchestrator.runs.list()) {
      if (!id.startsWith('copy')) continue;
      for (const event of await orchestrator.runs.events(id))
        expect(event.correlation).toBe('copy');
    }
  });
});
