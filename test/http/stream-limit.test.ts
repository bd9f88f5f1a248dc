/** How many streams a principal may have open. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { plan } from '../../src/plan/builder.js';
import { openGuarded } from '../access/support/guarded.js';
import { STREAM } from './support/site.js';

it('S187 a HEAD request opens no stream', async () => {
  const site = await openGuarded({}, { maxStreams: 1 });
  onTestFinished(() => site.close());
  const token = await site.token('acme', ['reader'], 'ann');
  for (let i = 0; i < 5; i += 1) {
    const head = await site.ask('HEAD', '/events', { token, headers: STREAM });
    expect(head.status).toBe(200);
  }
  const open = await site.ask('GET', '/events', { token, headers: STREAM });
  expect(open.status).toBe(200);
  await open.body?.cancel();
});

it('S187 a principal has a limited number of streams open, of whatever kind, and others have theirs', async () => {
  const ask = plan('Ask').approval('gate').build();
  const site = await openGuarded({}, { plans: { ask: { plan: ask } }, maxStreams: 2 });
  onTestFinished(() => site.close());
  const tokens = {
    ann: await site.token('acme', ['operator', 'reader'], 'ann'),
    bob: await site.token('acme', ['reader'], 'bob'),
    other: await site.token('other', ['operator', 'reader'], 'ann'),
  };
  const open = (path: string, token: string) => site.ask('GET', path, { token, headers: STREAM });
  for (const token of [tokens.ann, tokens.other]) {
    await site.ask('POST', '/runs', { token, body: { plan: 'ask', id: 'r' } });
  }
  const first = await open('/runs/r/events', tokens.ann);
  const second = await open('/runs/r/stream', tokens.ann);
  expect([first.status, second.status]).toEqual([200, 200]);
  const refused = await open('/runs/r/events', tokens.ann);
  expect([refused.status, await refused.json()]).toMatchObject([
    429,
    { code: 'too-many-streams', hint: expect.stringContaining('/events') },
  ]);
  for (const token of [tokens.bob, tokens.other]) {
    const another = await open('/runs/r/events', token);
    expect(another.status).toBe(200);
    await another.body?.cancel();
  }
  // One that has ended counts no more; the server hears of it a moment later.
  await first.body?.cancel();
  const third = await vi.waitUntil(
    async () => {
      const answer = await open('/runs/r/stream', tokens.ann);
      if (answer.status === 200) return answer;
      await answer.body?.cancel();
      return undefined;
    },
    { timeout: 10_000, interval: 5 },
  );
  await third.body?.cancel();
  await second.body?.cancel();
});
