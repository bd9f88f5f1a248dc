/** Payloads of artifacts over HTTP, a piece at a time. */
import { readdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { encryptedPayloads, keyRing } from '../../src/index.js';
import type { OrchestratorOptions } from '../../src/orchestrator-options.js';
import { temporaryDatabase } from '../support/temporary.js';
import { bodyOf, openSite, type Site } from './support/site.js';

const LARGE = 'quince '.repeat(1_000_000);
const plan = {
  title: 'Book',
  inputs: { type: 'object', properties: { key: { type: 'string' } } },
  nodes: [{ kind: 'action', id: 'a', handler: 'work' }],
  edges: [],
};

let site: Site;
afterEach(() => site?.close());

async function finished(more: Partial<OrchestratorOptions> = {}, of: object = plan): Promise<void> {
  const artifacts = [
    { name: 'large', kind: 'text', payload: LARGE },
    { name: 'small', kind: 'json', payload: { said: 'hunter2 is the key' } },
    { name: 'elsewhere', kind: 'file', pointer: 's3://bucket/book' },
  ];
  site = await openSite({ work: () => ({ ok: true, artifacts }) }, {}, more);
  await (
    await site.orchestrator.start(of as never, { id: 'r', input: { key: 'hunter2' } })
  ).result();
}

/** As they come over the network. Rejects where the answer breaks off. */
async function piecesOf(name: string): Promise<Uint8Array[]> {
  const { body } = await fetch(`${site.url}/runs/r/artifacts/${name}/payload`);
  const pieces: Uint8Array[] = [];
  for await (const piece of body ?? []) pieces.push(piece);
  return pieces;
}

const payload = (name: string, query = '') => site.get(`/runs/r/artifacts/${name}/payload${query}`);

it('S94 S97 a large payload comes in pieces, of which none is large, and a small one as it is', async () => {
  await finished();
  const pieces = await piecesOf('large');
  expect(JSON.parse(Buffer.concat(pieces).toString('utf8'))).toBe(LARGE);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(1_000_000);
  const small = await payload('small', '?version=1');
  expect(small.headers.get('content-type')).toBe('application/json');
  expect(await small.json()).toEqual({ said: 'hunter2 is the key' });
});

it('S94 S97 what is not there is refused, and a damaged payload never comes whole', async () => {
  const url = temporaryDatabase();
  await finished({ url });
  for (const [name, query] of [
    ['nothing', ''],
    ['elsewhere', ''],
    ['small', '?version=2'],
  ] as const) {
    const refused = await payload(name, query);
    expect([refused.status, (await bodyOf<{ code: string }>(refused)).code]).toEqual([
      404,
      'artifact-unknown',
    ]);
  }
  const folder = `${url}.artifacts`;
  const names = readdirSync(folder, { recursive: true }) as string[];
  const file = join(folder, names.find((name) => /[0-9a-f]{64}$/.test(name)) ?? '');
  truncateSync(file, 5_000_000);
  await expect(piecesOf('large')).rejects.toThrow('terminated');
  truncateSync(file, 5);
  const damaged = await payload('large');
  expect([damaged.status, (await bodyOf<{ code: string }>(damaged)).code]).toEqual([
    500,
    'artifact-corrupt',
  ]);
});

it('S94 S231 promise 18: an encrypted payload is readable, and one of a plan with secrets has none', async () => {
  const key = Buffer.alloc(32, 7).toString('base64');
  const payloads = encryptedPayloads(keyRing({ current: { '': 'k' }, keys: { k: key } }));
  await finished({ payloads });
  expect(await (await payload('large')).json()).toBe(LARGE);
  await site.close();
  const secret = { type: 'object', properties: { key: { type: 'string', writeOnly: true } } };
  await finished({}, { ...plan, inputs: secret });
  const text = await (await payload('small')).text();
  expect(text).not.toContain('hunter2');
  expect(JSON.parse(text).said).toContain('is the key');
});
