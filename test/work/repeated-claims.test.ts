/** A claim whose answer was lost, made again with its idempotency key. */
import { expect, it } from 'vitest';
import { external } from '../../src/actors/external-handler.js';
import type { ClaimedWork } from '../../src/work/work.js';
import { openGuarded } from '../access/support/guarded.js';
import { approval, plan } from '../support/plans.js';
import { far, LEASE_MS, Outside } from './support/outside.js';

const three = plan([far('a'), far('b'), far('c')]);

async function started(): Promise<Outside> {
  const kernel = new Outside();
  await kernel.start(three);
  await kernel.settle();
  return kernel;
}

async function claimAs(kernel: Outside, worker: string, key: string, limit = 2) {
  const request = { worker, capabilities: ['far'], limit, idempotencyKey: key };
  const claimed = kernel.work.claim(request);
  await kernel.settle();
  return claimed;
}

const tokens = (claims: readonly ClaimedWork[]) => claims.map(({ token }) => token);

it('S178 S220 gives the same attempts under the same leases, each with all of its time', async () => {
  const kernel = await started();
  const first = await claimAs(kernel, 'w1', 'k');
  expect(first.map(({ node }) => node)).toEqual(['a', 'b']);
  await kernel.advance(LEASE_MS - 1);
  const again = await claimAs(kernel, 'w1', 'k');
  expect(tokens(again)).toEqual(tokens(first));
  const later = first.map((one) => ({ ...one, expiresAt: one.expiresAt + LEASE_MS - 1 }));
  expect(again).toEqual(later);
  await kernel.advance(LEASE_MS - 1);
  for (const claimed of again) await kernel.complete(claimed, 'done');
  expect(kernel.summary().nodes).toEqual({ a: 'completed', b: 'completed', c: 'ready' });
});

it('S178 S220 gives them also where the process has stopped meanwhile', async () => {
  const kernel = await started();
  const first = await claimAs(kernel, 'w1', 'k');
  await kernel.restart();
  await kernel.settle();
  expect(tokens(await claimAs(kernel, 'w1', 'k'))).toEqual(tokens(first));
});

it('S99 S220 gives nothing again of which the result has come and is being checked', async () => {
  const kernel = new Outside();
  const checks = [{ name: 'c', handler: 'work' }];
  const fallback = { onFailure: 'fallback', fallback: { handler: 'far' } };
  const asked = approval('ask', { checks });
  await kernel.start(plan([far('a', { checks }), far('b', { checks, ...fallback }), asked]));
  await kernel.settle();
  const [first, second] = await claimAs(kernel, 'w1', 'k');
  if (first === undefined || second === undefined) throw new Error('nothing was claimed');
  await kernel.complete(first, 'draft');
  expect(tokens(await claimAs(kernel, 'w1', 'k'))).toEqual([second.token]);
  await kernel.complete(second, 'draft');
  expect(await claimAs(kernel, 'w1', 'k')).toEqual([]);
  await kernel.advance(LEASE_MS * 3);
  expect(kernel.details('check.interrupted')).toEqual([]);
  await kernel.finish('a', true);
  expect(kernel.summary().nodes).toMatchObject({ a: 'completed' });
});

it('S220 claims anew once nothing of it is held, and is another claim of another worker or key', async () => {
  const kernel = await started();
  const [first] = await claimAs(kernel, 'w1', 'k', 1);
  const [other] = await claimAs(kernel, 'w2', 'k', 1);
  const [third] = await claimAs(kernel, 'w1', 'l', 1);
  expect([first?.node, other?.node, third?.node]).toEqual(['a', 'b', 'c']);
  expect(await claimAs(kernel, 'w1', 'm', 1)).toEqual([]);
  if (first === undefined) throw new Error('nothing was claimed');
  await kernel.work.release(first.token);
  await kernel.settle();
  const [again] = await claimAs(kernel, 'w1', 'k', 1);
  expect(again).toMatchObject({ node: 'a', attempt: 2 });
  expect(again?.token).not.toBe(first.token);
});

it('S220 promise 14: goes over HTTP, keeps no input in an answer, and is nothing to another tenant', async () => {
  const site = await openGuarded({ far: external() });
  try {
    const draft = plan([far('a')]).plan;
    const input = { secret: 'quince-marmalade' };
    for (const tenant of ['acme', 'globex']) {
      await site.orchestrator.forTenant(tenant).start(draft, { id: 'r', input });
    }
    const claim = async (tenant: string) => {
      const token = await site.token(tenant, ['worker']);
      const body = { worker: 'w', capabilities: ['far'], waitMs: 5_000 };
      const headers = { 'idempotency-key': 'k' };
      const answer = await site.ask('POST', '/work/claim', { token, body, headers });
      return ((await answer.json()) as { claims: ClaimedWork[] }).claims;
    };
    const [first] = await claim('acme');
    expect(first).toMatchObject({ run: 'acme~r', node: 'a', attempt: 1 });
    const [again] = await claim('acme');
    expect(again).toEqual({ ...first, expiresAt: again?.expiresAt });
    expect((await claim('globex'))[0]).toMatchObject({ run: 'globex~r' });
  } finally {
    await site.close();
  }
});
