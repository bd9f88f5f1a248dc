/** Runs with the parts that are asked for, and the lists that parts go on in. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '../../src/client/index.js';
import { plan } from '../../src/plan/builder.js';
import type { AttemptView, RunPart, RunSnapshot, SignalView } from '../../src/views.js';
import { RUN_PARTS } from '../../src/views.js';
import { bodyOf, openSite, type Site } from './support/site.js';

const asks = plan('Asks')
  .action('draft', {
    handler: 'draft',
    outputSchema: { type: 'number' },
    retry: { maxAttempts: 3, backoff: 'none' },
  })
  .approval('gate', { responders: ['ada'] })
  .sequence('draft', 'gate')
  .build();

const SIGNALS = 501;
let site: Site;
beforeAll(async () => {
  let calls = 0;
  const draft = () => {
    calls += 1;
    if (calls === 1) throw new Error('not yet');
    if (calls === 2) return 'no number';
    return { ok: true, output: 1, artifacts: [{ name: 'a', kind: 'k', payload: 1 }] };
  };
  site = await openSite({ draft }, { plans: { asks: { plan: asks } } });
  await site.post('/runs', { plan: 'asks', id: 'r', input: { n: 1 } });
  await site.orchestrator.settled('r');
  await Promise.all(
    Array.from({ length: SIGNALS }, (_, number) =>
      site.orchestrator.signal('r', 'ping', { id: `s${number}`, payload: number }),
    ),
  );
  const [task] = await site.orchestrator.tasks.list({ run: 'r' });
  const answer = { response: { approved: true }, responder: 'ada' };
  await site.post(`/tasks/${task?.id}/response`, answer);
  await site.orchestrator.result('r');
});
afterAll(() => site.close());

const read = (parts: string) => bodyOf<RunSnapshot>(site.get(`/runs/r?include=${parts}`));
const OWN: Readonly<Record<Exclude<RunPart, 'plan' | 'issues'>, string>> = {
  nodes: '/runs/r/nodes',
  attempts: '/runs/r/attempts',
  events: '/runs/r/events',
  artifacts: '/runs/r/artifacts',
  tasks: '/tasks?run=r&status=any',
  checkpoints: '/runs/r/checkpoints',
  signals: '/runs/r/signals',
};

describe('a run with the parts that are asked for', () => {
  it('S191 has these parts and no others', async () => {
    const whole = await read(RUN_PARTS.join(','));
    for (const part of RUN_PARTS) {
      const { more, ...found } = await read(part);
      const { id, inputs, status } = found;
      expect({ id, inputs, status }).toEqual({ id: 'r', inputs: { n: 1 }, status: 'completed' });
      const member = part === 'plan' ? 'definition' : part;
      const lists = RUN_PARTS.filter((name) => name !== 'plan');
      expect(['definition', ...lists].filter((name) => name in found)).toEqual([member]);
      expect(found).toEqual({ ...found, [member]: whole[member as keyof RunSnapshot] });
      expect(more.every((name) => name === part)).toBe(true);
    }
    expect(whole.definition).toEqual(JSON.parse(JSON.stringify(asks)));
    expect(whole.attempts?.map(({ outcome }) => outcome)).toEqual([
      'failed',
      'failed',
      'completed',
    ]);
    expect(whole.issues).toMatchObject([{ code: 'schema-mismatch', node: 'draft', attempt: 2 }]);
  });

  it.each(Object.entries(OWN))('S191 has of %s what %s begins with', async (part, path) => {
    const list = await bodyOf<Record<string, readonly unknown[]>>(site.get(path));
    const snapshot = await read(part);
    const own = list[part] ?? [];
    expect(own.length).toBeGreaterThan(0);
    expect(snapshot[part as keyof RunSnapshot]).toEqual(own.slice(0, 500));
    expect(snapshot.more).toEqual(own.length > 500 ? [part] : []);
  });

  it('S191 has the usual ones where nothing is named, and refuses what is no part', async () => {
    const usual = await bodyOf<object>(site.get('/runs/r'));
    expect(Object.keys(usual)).toEqual(expect.arrayContaining(['nodes', 'tasks', 'issues']));
    expect(usual).not.toHaveProperty('more');
    for (const wrong of [',', 'nodes,', 'payloads', '__proto__', 'nodes%20']) {
      const response = await site.get(`/runs/r?include=${wrong}`);
      expect([wrong, response.status]).toEqual([wrong, 400]);
    }
    expect((await site.get('/runs/none?include=nodes')).status).toBe(404);
    const { more, ...alone } = await read('');
    expect([more, alone]).toEqual([[], await site.orchestrator.runs.head('r')]);
    expect(await createClient({ url: site.url }).snapshot('r', [])).toEqual({ ...alone, more });
  });
});

describe('the list of a part', () => {
  it('S191 of signals goes on after a number', async () => {
    const seen: SignalView[] = [];
    for (let after = ''; ; after = `&after=${seen.at(-1)?.seq}`) {
      const path = `/runs/r/signals?limit=200${after}`;
      const { signals } = await bodyOf<{ signals: SignalView[] }>(site.get(path));
      seen.push(...signals);
      if (signals.length < 200) break;
    }
    expect(seen.map(({ id }) => id)).toEqual(Array.from({ length: SIGNALS }, (_, i) => `s${i}`));
    expect(seen[7]).toMatchObject({ name: 'ping', payload: 7, deliveredTo: null });
  });

  it('S191 of attempts goes on after one of them, and is of one node', async () => {
    const attempts = async (query: string) =>
      (await bodyOf<{ attempts: AttemptView[] }>(site.get(`/runs/r/attempts?${query}`))).attempts;
    expect((await attempts('limit=1')).map(({ attempt }) => attempt)).toEqual([1]);
    expect((await attempts('after=draft/1/1')).map(({ attempt }) => attempt)).toEqual([2, 3]);
    expect(await attempts('node=gate')).toEqual([]);
    expect((await site.get('/runs/r/attempts?after=draft')).status).toBe(400);
  });

  it('S191 of checkpoints has the end of each turn', async () => {
    const body = bodyOf<{ checkpoints: { seq: number; cause: string }[] }>(
      site.get('/runs/r/checkpoints'),
    );
    const { checkpoints } = await body;
    expect(checkpoints[0]).toMatchObject({ cause: 'run.start' });
    const { seq } = await site.orchestrator.runs.head('r');
    expect(checkpoints.at(-1)?.seq).toBe(seq);
    const path = `/runs/r/checkpoints?after=${checkpoints[2]?.seq}&limit=2`;
    expect(await bodyOf(site.get(path))).toEqual({ checkpoints: checkpoints.slice(3, 5) });
  });
});
