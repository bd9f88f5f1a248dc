/** What retention, imports and encryption mean to webhooks, on real storage. */
import { createReadStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { encryptedPayloads, keyRing } from '../../src/encrypted-payloads.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import type { OrchestratorOptions } from '../../src/orchestrator-options.js';
import { plan } from '../../src/plan/builder.js';
import { temporaryDatabase, temporaryDirectory } from '../support/temporary.js';
import { openReceiver } from './support/real-receiver.js';

const work = plan('Work').action('only', { handler: 'work' }).build();
const webhooks = { allowPrivate: ['127.0.0.1'], firstDelayMs: 1, maxDelayMs: 10 };

function open(url: string, more: Partial<OrchestratorOptions> = {}): Promise<Orchestrator> {
  return createOrchestrator({ url, handlers: { work: () => 'done' }, webhooks, ...more });
}

async function run(orchestrator: Orchestrator, id: string): Promise<void> {
  await (await orchestrator.start(work, { id })).result();
}

it('S173 S221 a trim leaves what a webhook has not been given, and takes it afterwards', async () => {
  const orchestrator = await open(temporaryDatabase());
  const receiver = await openReceiver();
  receiver.status = 503;
  await orchestrator.webhooks.add({ id: 'w', url: receiver.url });
  await run(orchestrator, 'a');
  await run(orchestrator, 'b');
  const trim = () => orchestrator.trim({ olderThanMs: 0, historyOlderThanMs: 0 });
  const untouched = { runs: 0, trimmedRuns: 0, events: 0 };
  expect(await trim()).toMatchObject(untouched);
  receiver.status = 200;
  await orchestrator.webhooks.drain();
  const told = new Set(
    receiver.taken.map(({ body }) => (JSON.parse(body) as { data: { id: string } }).data.id),
  );
  const logged = [
    ...(await orchestrator.runs.events('a')),
    ...(await orchestrator.runs.events('b')),
  ];
  expect(logged.every(({ id }) => told.has(id))).toBe(true);
  let trimmed = await trim();
  // That it was delivered is stored a moment later.
  while (trimmed.runs < 2) trimmed = await trim();
  expect(trimmed.runs).toBe(2);
  expect((await orchestrator.webhooks.get('w')).missedAt).toBeNull();
  await orchestrator.close();
});

it('S173 S221 a webhook that is disabled keeps nothing, and says that it missed something', async () => {
  const orchestrator = await open(temporaryDatabase());
  const receiver = await openReceiver();
  await orchestrator.webhooks.add({ id: 'w', url: receiver.url });
  await orchestrator.webhooks.update('w', { disabled: true });
  await run(orchestrator, 'a');
  expect((await orchestrator.trim({ olderThanMs: 0, dryRun: true })).runs).toBe(1);
  expect((await orchestrator.webhooks.get('w')).missedAt).toBeNull();
  expect((await orchestrator.trim({ olderThanMs: 0 })).runs).toBe(1);
  expect((await orchestrator.webhooks.get('w')).missedAt).toBeGreaterThan(0);
  await orchestrator.webhooks.update('w', { disabled: false });
  await run(orchestrator, 'b');
  await orchestrator.webhooks.drain();
  const runs = receiver.taken.map(
    ({ body }) => (JSON.parse(body) as { data: { run: string } }).data.run,
  );
  expect(new Set(runs)).toEqual(new Set(['b']));
  await orchestrator.close();
});

it('S221 S226 an imported run is history of elsewhere: no webhook and no subscriber is told', async () => {
  const receiver = await openReceiver();
  const source = await open(temporaryDatabase());
  await run(source, 'far');
  const file = join(temporaryDirectory(), 'far.jsonl');
  let text = '';
  for await (const line of source.runs.export('far'))
    text += line.endsWith('\n') ? line : `${line}\n`;
  writeFileSync(file, text);
  await source.close();
  const orchestrator = await open(temporaryDatabase());
  await orchestrator.webhooks.add({ url: receiver.url });
  const seen: string[] = [];
  orchestrator.bus.subscribe('*', (event) => seen.push(event.run));
  await orchestrator.import(file);
  await run(orchestrator, 'near');
  await orchestrator.webhooks.drain();
  await orchestrator.bus.drain();
  const told = receiver.taken.map(
    ({ body }) => (JSON.parse(body) as { data: { run: string } }).data.run,
  );
  expect([new Set(told), new Set(seen)]).toEqual([new Set(['near']), new Set(['near'])]);
  await orchestrator.close();
});

it('S221 S231 secrets are encrypted where payloads are, and are there again after a restart', async () => {
  const url = temporaryDatabase();
  const receiver = await openReceiver();
  const keys = { k: Buffer.alloc(32, 7).toString('base64') };
  const payloads = encryptedPayloads(keyRing({ current: { '': 'k' }, keys }));
  const first = await open(url, { payloads });
  const { secret } = await first.webhooks.add({ id: 'w', url: receiver.url });
  await first.close();
  for (const name of [url, `${url}-wal`]) {
    expect(await contains(name, secret.slice('whsec_'.length))).toBe(false);
  }
  const second = await open(url, { payloads });
  expect(await second.webhooks.test('w')).toMatchObject({ accepted: true });
  await second.close();
});

async function contains(file: string, text: string): Promise<boolean> {
  let found = '';
  try {
    for await (const chunk of createReadStream(file, 'latin1')) found += chunk;
  } catch {
    return false;
  }
  return found.includes(text);
}
