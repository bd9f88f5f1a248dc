/** Payloads that workers send ahead of their result, over HTTP. */
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { dirname } from 'node:path';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { external } from '../../src/index.js';
import type { OrchestratorOptions } from '../../src/orchestrator-options.js';
import type { ArtifactView } from '../../src/views.js';
import { connect } from '../../src/worker/index.js';
import { openGuarded } from '../access/support/guarded.js';
import { bodyOf, openSite, type Site } from '../http/support/site.js';
import { action, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

const LIMIT = 4 * 1024 * 1024;
const deliverable = { name: 'page', kind: 'text', required: true, schema: { type: 'string' } };
const one = plan([action('a', { deliverables: [deliverable] })]).plan;

let site: Site;
afterEach(() => site?.close());

async function open(more: Partial<OrchestratorOptions> = {}): Promise<void> {
  const limits = { maxPayloadBytes: LIMIT };
  site = await openSite({ work: external({ leaseMs: 60_000 }) }, {}, { limits, ...more });
}

async function claim(run: string): Promise<string> {
  await site.orchestrator.start(one, { id: run });
  const [claimed] = await site.orchestrator.work.claim({ worker: 'w', capabilities: ['work'] });
  return claimed?.token ?? '';
}

const upload = (token: string, json: string, type = 'application/json') =>
  fetch(`${site.url}/work/payloads?token=${token}`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: json,
  });

const codeOf = async (response: Response) => [
  response.status,
  (await bodyOf<{ code: string }>(response)).code,
];

it('S97 S178 a worker sends a payload ahead of its result, checked and read like any other', async () => {
  await open();
  const token = await claim('r');
  const payload = 'x'.repeat(3 * 1024 * 1024);
  const sent = await upload(token, ` ${JSON.stringify(payload)} `);
  const { digest, bytes, pointer } = await bodyOf<Record<string, string | number>>(sent);
  expect(bytes).toBe(payload.length + 2);
  // Sent again, it is the same.
  expect(await bodyOf(upload(token, JSON.stringify(payload)))).toEqual({ digest, bytes, pointer });
  const artifacts = [{ name: 'page', kind: 'text', digest, bytes }];
  const done = await site.post('/work/complete', { token, result: { ok: true, artifacts } });
  expect(done.status).toBe(200);
  expect((await site.orchestrator.result('r')).status).toBe('completed');
  const read = await bodyOf<ArtifactView>(site.get('/runs/r/artifacts/page'));
  expect(read).toMatchObject({ digest, bytes, pointer, standing: 'accepted' });
  expect(read.payload).toBe(payload);
});

it('S97 S178 what the author asks of a payload holds for one that was uploaded', async () => {
  await open();
  const token = await claim('r');
  const { digest } = await bodyOf<{ digest: string }>(upload(token, '{"no":"text"}'));
  const artifacts = [{ name: 'page', kind: 'text', digest }];
  await site.post('/work/complete', { token, result: { ok: true, artifacts } });
  expect(await site.orchestrator.result('r')).toMatchObject({ status: 'failed' });
  const [stored] = await site.orchestrator.runs.artifacts('r');
  expect(stored).toMatchObject({ standing: 'rejected', digest });
});

it('S97 S178 nothing is stored of what is refused: too large, no JSON, another type, cut off, without the lease', async () => {
  const url = temporaryDatabase();
  await open({ url });
  const token = await claim('r');
  const large = JSON.stringify('x'.repeat(LIMIT));
  expect(await codeOf(await upload(token, large))).toEqual([413, 'artifact-too-large']);
  expect(await codeOf(await upload(token, '{"a":'))).toEqual([400, 'argument-invalid']);
  expect(await codeOf(await upload(token, ''))).toEqual([400, 'argument-invalid']);
  expect(await codeOf(await upload(token, '1', 'text/plain'))).toEqual([
    415,
    'content-type-refused',
  ]);
  await new Promise<void>((resolve) => {
    const cut = request(`${site.url}/work/payloads?token=${token}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': '1000' },
    });
    cut.on('error', () => resolve());
    cut.write('"half', () => cut.destroy(new Error('cut')));
  });
  await site.orchestrator.work.release(token);
  expect(await codeOf(await upload(token, '1'))).toEqual([409, 'lease-lost']);
  expect(readdirSync(dirname(url)).filter((name) => name.endsWith('.artifacts'))).toEqual([]);
});

it('S97 S178 a payload is named by the attempt that it came for alone, of whatever tenant', async () => {
  const handlers = { work: external({ leaseMs: 60_000 }) };
  const guarded = await openGuarded(handlers);
  onTestFinished(() => guarded.close());
  const claimed = async (tenant: string) => {
    await guarded.orchestrator
      .forTenant(tenant)
      .start(one, { id: `r${Math.random()}`.slice(0, 9) });
    const token = await guarded.token(tenant, ['worker']);
    const body = { worker: 'w', capabilities: ['work'] };
    const answer = await guarded.ask('POST', '/work/claim', { token, body });
    const { claims } = (await answer.json()) as { claims: [{ token: string }] };
    return { token, lease: claims[0].token };
  };
  const ours = await claimed('acme');
  const theirs = await claimed('other');
  const send = (who: { token: string; lease: string }, lease = who.lease) =>
    fetch(`${guarded.url}/work/payloads?token=${lease}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${who.token}` },
      body: '"secret"',
    });
  const { digest } = (await (await send(ours)).json()) as { digest: string };
  expect((await send(theirs, ours.lease)).status).toBe(404);
  const artifacts = [{ name: 'page', kind: 'text', digest }];
  const result = { ok: true, artifacts };
  const complete = (who: { token: string; lease: string }) =>
    guarded.ask('POST', '/work/complete', {
      token: who.token,
      body: { token: who.lease, result },
    });
  expect(await codeOf(await complete(theirs))).toEqual([422, 'artifact-not-uploaded']);
  expect((await complete(ours)).status).toBe(200);
  // The same result again is answered the same.
  expect((await complete(ours)).status).toBe(200);
});

it('S97 S198 a worker of the package returns large payloads as any handler does, also to a server that was restarted', async () => {
  const url = temporaryDatabase();
  await open({ url });
  const payload = 'y'.repeat(2_000_000);
  const run = await site.orchestrator.start(one, { id: 'r' });
  const worker = connect(site.url).work(
    {
      work: () => ({
        ok: true,
        output: 'done',
        artifacts: [
          { name: 'page', kind: 'text', payload },
          { name: 'small', kind: 'text', payload: 'z' },
        ],
      }),
    },
    { stopOn: [] },
  );
  expect((await run.result()).outputs).toEqual({ a: 'done' });
  await worker.stop();
  const page = await site.orchestrator.runs.artifact('r', 'page');
  expect(page.payload).toBe(payload);
  const small = await site.orchestrator.runs.artifact('r', 'small');
  expect([small.payload, small.digest]).toEqual(['z', undefined]);
  const token = await claim('r2');
  const { digest } = await bodyOf<{ digest: string }>(upload(token, '"again"'));
  await site.orchestrator.close();
  const second = await createOrchestrator({ url, handlers: { work: external() } });
  onTestFinished(() => second.close());
  const artifacts = [{ name: 'page', kind: 'text', digest }];
  const refused = second.work.complete(token, { ok: true, artifacts });
  await expect(refused).rejects.toMatchObject({ code: 'artifact-not-uploaded' });
  await second.work.upload(token, new Blob(['"again"']).stream() as never);
  await second.work.complete(token, { ok: true, artifacts });
  expect((await second.runs.artifact('r2', 'page')).payload).toBe('again');
});
