import { describe, expect, it } from 'vitest';
import { replay } from '../../src/history/replay.js';
import { verifyHistory } from '../../src/history/verify-history.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import type { HistoryRows } from '../../src/storage/history-rows.js';
import { action, approval, chain, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';
import { openOrchestrator, startVaried } from './support/played-runs.js';

/** Reads of rows, in the midst of which something happens once. */
function interrupted(rows: HistoryRows, table: string, happens: () => Promise<unknown>) {
  let isDone = false;
  return new Proxy(rows, {
    get(target, name) {
      const member = Reflect.get(target, name) as unknown;
      if (typeof member !== 'function') return member;
      if (name !== 'rowsOf') return member.bind(target);
      return async function* (run: number, of: 'events') {
        if (of === table && !isDone) {
          isDone = true;
          await happens();
        }
        yield* target.rowsOf(run, of);
      };
    },
  });
}

async function recordOf({ runs }: Orchestrator, id: string) {
  const record = await runs.history.getRun(id);
  if (record === undefined) throw new Error(`there is no run ${id}`);
  return record;
}

describe('what retention takes while a run is read', () => {
  it('S173 S226 ends an export as what it is, at whatever line', async () => {
    const { plan: draft } = plan([approval('ask')], []);
    const said = new Set<string>();
    for (let at = 1; at < 14; at++) {
      const orchestrator = await openOrchestrator(temporaryDatabase());
      await orchestrator.start(draft, { id: 'r' });
      await orchestrator.settled('r');
      const [task] = (await orchestrator.runs.details('r')).tasks;
      await orchestrator.respond(task?.id ?? '', { response: { approved: true } });
      await orchestrator.result('r');
      const lines: string[] = [];
      try {
        for await (const line of orchestrator.runs.export('r')) {
          lines.push(line);
          if (lines.length === at) await orchestrator.trim({ olderThanMs: 0 });
        }
        // Then all of it had been read before it went.
        expect(lines.filter((line) => line.includes('"table":"responses"')).length).toBe(1);
      } catch (error) {
        said.add((error as { code: string }).code);
      }
      await orchestrator.close();
    }
    expect([...said]).toEqual(['run-unknown']);
  });

  it('S173 is no damage: the run is read again, or is not there', async () => {
    for (const table of ['nodeRuns', 'events', 'attempts']) {
      const orchestrator = await openOrchestrator(temporaryDatabase());
      await startVaried(orchestrator, 'r1');
      const trimming = interrupted(orchestrator.runs.history, table, () =>
        orchestrator.trim({ historyOlderThanMs: 0 }),
      );
      const verified = await verifyHistory(trimming, await recordOf(orchestrator, 'r1'));
      expect(verified).toMatchObject({ ok: true, hash: null });
      await orchestrator.start(plan([action('flaky'), action('b')], chain('flaky', 'b')).plan, {
        id: 'r2',
      });
      await orchestrator.result('r2');
      const again = interrupted(orchestrator.runs.history, table, () =>
        orchestrator.trim({ olderThanMs: 0 }),
      );
      const replayed = replay(again, await recordOf(orchestrator, 'r2'));
      await expect(replayed).rejects.toMatchObject({ code: 'run-unknown' });
    }
  });
});

describe('a state at an event', () => {
  it('S160 has artifacts that were taken over, and those behind the first thousand', async () => {
    const work = () => {
      const names = Array.from({ length: 300 }, (_, place) => `x${place}`);
      const artifacts = names.map((name) => ({ name, kind: 'text', payload: name }));
      return { ok: true, output: 1, artifacts };
    };
    const orchestrator = await openOrchestrator(temporaryDatabase(), { handlers: { work } });
    const ids = ['a', 'b', 'c', 'd'];
    await orchestrator.start(
      plan(
        ids.map((id) => action(id)),
        chain(...ids),
      ).plan,
      { id: 'r' },
    );
    await orchestrator.result('r');
    const { runs } = orchestrator;
    const counts = async (id: string) => {
      const { seq } = await runs.details(id);
      return (await runs.stateAt(id, seq)).artifacts.length;
    };
    expect(await counts('r')).toBe(1_200);
    await orchestrator.change.fork('r', { by: 'ann', id: 'f', from: 'd' });
    await orchestrator.result('f');
    expect((await runs.stateAt('f', 1)).artifacts.length).toBe(900);
    expect(await counts('f')).toBe(1_200);
    await orchestrator.trim({ historyOlderThanMs: 0 });
    expect(await counts('r')).toBe(1_200);
    await expect(runs.changes('r')).rejects.toMatchObject({ code: 'history-trimmed' });
  });
});

describe('retention', () => {
  it('S173 is refused with a time that is none, or that would look all the time', async () => {
    const wrong = [
      { runsMs: Number.NaN },
      { historyMs: -1 },
      { everyMs: 0 },
      { everyMs: Number.POSITIVE_INFINITY },
    ];
    for (const retention of wrong) {
      const opened = openOrchestrator(temporaryDatabase(), { retention });
      await expect(opened).rejects.toMatchObject({ code: 'argument-invalid' });
    }
  });
});
