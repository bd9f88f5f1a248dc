/** Payloads that workers send ahead of their result, over HTTP. */
import { readdirSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
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

it('S97 S178 the lease is kept while a large payload is on its way, however long that takes', async () => {
  const leaseMs = 600;
  site = await openSite(
    { work: external({ leaseMs }) },
    {},
    { limits: { maxPayloadBytes: LIMIT } },
  );
  const run = await site.orchestrator.start(one, { id: 'r' });
  // Beats that come while the payload is held on its way; three of them are one length of the lease.
  let beats = 0;
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let isHeld = false;
  const door = createServer(async (asked, answer) => {
    const chunks: Buffer[] = [];
    for await (const chunk of asked) chunks.push(chunk as Buffer);
    if (asked.url?.startsWith('/work/payloads')) {
      isHeld = true;
      await held;
    }
    if (isHeld && asked.url === '/work/heartbeat') beats += 1;
    if (beats > 6) letGo();
    const headers = { 'content-type': 'application/json' };
    const body = Buffer.concat(chunks);
    const passed = fetch(site.url + asked.url, { method: 'POST', headers, body });
    await passed.then(
      async (found) => answer.writeHead(found.status, headers).end(await found.text()),
      () => answer.destroy(),
    );
  });
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  const { port } = door.address() as AddressInfo;
  const payload = 'y'.repeat(1_000_000);
  const worker = connect(`http://127.0.0.1:${port}`).work(
    { work: () => ({ ok: true, artifacts: [{ name: 'page', kind: 'text', payload }] }) },
    { stopOn: [] },
  );
  expect((await run.result()).status).toBe('completed');
  expect(await site.orchestrator.runs.attempts('r')).toHaveLength(1);
  expect((await site.orchestrator.runs.artifact('r', 'page')).payload).toBe(payload);
  await worker.stop();
  door.closeAllConnections();
  await new Promise((resolve) => door.close(resolve));
});

it('S97 S178 a result that names more than it may is refused before it is read, and what is named twice is read once', async () => {
  const limits = { maxPayloadBytes: 100_000 };
  await open({ limits });
  const token = await claim('r');
  const digests: string[] = [];
  for (let i = 0; i < 5; i += 1) {
    const sent = upload(token, JSON.stringify(`${i}`.repeat(90_000)));
    digests.push((await bodyOf<{ digest: string }>(sent)).digest);
  }
  const named = (all: readonly string[]) => ({
    token,
    result: {
      ok: true,
      artifacts: all.map((digest, i) => ({ name: `a${i}`, kind: 'text', digest })),
    },
  });
  const refused = await site.post('/work/complete', named(digests));
  expect(await codeOf(refused)).toEqual([413, 'artifact-too-large']);
  const [first = '', second = ''] = digests;
  const often = [...new Array<string>(500).fill(first), second];
  expect((await site.post('/work/complete', named(often))).status).toBe(200);
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
