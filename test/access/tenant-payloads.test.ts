/** Large payloads that several tenants store alike: each has its own file, under its own key. */
import { randomBytes } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { createClient } from '@libsql/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { HandlerContext } from '../../src/actors/handlers.js';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { encryptedPayloads, keyRing } from '../../src/encrypted-payloads.js';
import { createHttpApp } from '../../src/http/app.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { plan } from '../../src/plan/builder.js';
import { temporaryDatabase, temporaryDirectory } from '../support/temporary.js';

const LARGE = `the same ${'x'.repeat(100_000)}`;
const make = plan('Make').action('make', { handler: 'make' }).build();
const peek = plan('Peek').action('peek', { handler: 'peek' }).build();

const key = () => randomBytes(32).toString('base64');
const KEYS = { own: key(), acme1: key(), acme2: key(), globex1: key() };
type KeyId = keyof typeof KEYS;

async function open(
  database: string,
  acme: KeyId = 'acme1',
  lost: readonly KeyId[] = [],
): Promise<Orchestrator> {
  const left = Object.entries(KEYS).filter(([id]) => !lost.includes(id as KeyId));
  const keys = keyRing({
    current: { '': 'own', acme, globex: lost.includes('globex1') ? 'own' : 'globex1' },
    keys: Object.fromEntries(left),
  });
  const orchestrator = await createOrchestrator({
    url: database,
    payloads: encryptedPayloads(keys),
    handlers: {
      make: () => ({
        ok: true,
        output: 1,
        artifacts: [{ name: 'a', kind: 'text', payload: LARGE }],
      }),
      peek: ({ pointer }: { pointer: string }, { payload }: HandlerContext) => payload(pointer),
    },
  });
  onTestFinished(() => orchestrator.close());
  return orchestrator;
}

async function makeIn(orchestrator: Orchestrator, tenant: string, id = 'r'): Promise<void> {
  await (await orchestrator.forTenant(tenant).start(make, { id })).result();
}

const read = async (orchestrator: Orchestrator, tenant: string, id = 'r') =>
  (await orchestrator.forTenant(tenant).runs.artifact(id, 'a')).payload;

const filesOf = (database: string) =>
  readdirSync(`${database}.artifacts`, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /[0-9a-f]{64}/.test(name),
  );

it('S231 S220 what a tenant was answered over HTTP is kept under its key, and answered again', async () => {
  const database = temporaryDatabase();
  const said = 'what was said to acme alone';
  const headers = { 'content-type': 'application/json', 'idempotency-key': 'k' };
  const storeIn = async (current: KeyId = 'acme1', lost: readonly KeyId[] = []) => {
    const orchestrator = await open(database, current, lost);
    const app = createHttpApp(orchestrator, { tokens: 'required' });
    const { secret } = await orchestrator.access.createToken({
      ...{ principal: 'ada', roles: ['operator'], tenant: 'acme' },
    });
    const draft = { title: said, nodes: [{ id: 'a', kind: 'signal', signal: 's' }], edges: [] };
    const answer = await app.request('/plan-versions', {
      method: 'POST',
      headers: { ...headers, authorization: `Bearer ${secret}` },
      body: JSON.stringify({ plan: draft }),
    });
    await orchestrator.close();
    return [
      answer.status,
      answer.headers.get('idempotency-replayed'),
      await answer.json(),
    ] as const;
  };
  const [status, , first] = await storeIn();
  expect([status, first]).toMatchObject([201, { title: said }]);
  const client = createClient({ url: `file:${database}` });
  const { rows } = await client.execute('select answer_json from idempotency_keys where run = 0');
  client.close();
  expect(rows.map((row) => String(row.answer_json))).toEqual([
    expect.stringMatching(/^sealed\.1\.acme1\./),
  ]);
  expect(await storeIn()).toEqual([201, 'true', first]);
  // Whoever has lost it reads nothing of it.
  expect(await storeIn('acme2', ['acme1'])).not.toEqual([201, 'true', first]);
});

describe('the same large payload in several tenants', () => {
  it('S231 promise 14: is read by each with its own key, whichever key another has lost', async () => {
    const database = temporaryDatabase();
    const before = await open(database);
    for (const tenant of ['acme', 'globex', '']) await makeIn(before, tenant);
    expect(filesOf(database)).toHaveLength(3);
    await before.close();
    const after = await open(database, 'acme1', ['globex1']);
    expect(await read(after, 'acme')).toBe(LARGE);
    expect(await read(after, '')).toBe(LARGE);
    await expect(read(after, 'globex')).rejects.toThrow(/globex1/);
    expect(await after.backup(`${temporaryDirectory()}/backup`)).toBeDefined();
  });

  it('S231 a key that rotates leaves the payloads of others, and those before, readable', async () => {
    const database = temporaryDatabase();
    const before = await open(database);
    await makeIn(before, 'acme');
    await makeIn(before, 'globex');
    await before.close();
    const after = await open(database, 'acme2');
    await makeIn(after, 'acme', 'later');
    for (const id of ['r', 'later']) expect(await read(after, 'acme', id)).toBe(LARGE);
    await after.close();
    const without = await open(database, 'acme2', ['acme1']);
    expect(await read(without, 'globex')).toBe(LARGE);
    expect(await read(without, 'acme')).toBe(LARGE);
  });

  it('S173 promise 14: goes with the runs of its tenant, and stays for another', async () => {
    const database = temporaryDatabase();
    const orchestrator = await open(database);
    for (const tenant of ['acme', 'globex']) await makeIn(orchestrator, tenant);
    const { rows } = orchestrator.runs;
    const names = filesOf(database).map((file) => file.slice(file.lastIndexOf('/') + 1));
    expect(await rows.namedPayloads(names)).toEqual(new Set(names));
    const strange = names.map((name) => name.replace(/~.*/, '~initech'));
    expect(await rows.namedPayloads([...names, ...strange])).toEqual(new Set(names));
  });

  it('promise 14: is not read by a handler of a tenant that has no such payload', async () => {
    const database = temporaryDatabase();
    const orchestrator = await open(database);
    await makeIn(orchestrator, 'acme');
    const { digest } = await orchestrator.forTenant('acme').runs.artifact('r', 'a');
    const input = { pointer: `file:sha256:${digest}` };
    const peekIn = async (tenant: string) =>
      (await orchestrator.forTenant(tenant).start(peek, { id: 'p', input })).result();
    expect((await peekIn('globex')).status).toBe('failed');
    expect((await peekIn('acme')).outputs).toEqual({ peek: LARGE });
  });

  it('S226 promise 14: comes with an import into another tenant, as that tenant’s own', async () => {
    const database = temporaryDatabase();
    const orchestrator = await open(database);
    await makeIn(orchestrator, 'acme');
    const file = temporaryDatabase();
    writeFileSync(file, '');
    const lines: string[] = [];
    for await (const line of orchestrator.forTenant('acme').runs.export('r')) lines.push(line);
    writeFileSync(file, lines.join(''));
    await orchestrator.forTenant('globex').import(file);
    expect(await read(orchestrator, 'globex')).toBe(LARGE);
    expect(filesOf(database)).toHaveLength(2);
  });
});
