/** Payloads encrypted at rest, on real files: nothing of them can be read there, and all goes on as without. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from '@libsql/client/sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { type EncryptionKeys, encryptedPayloads, keyRing } from '../../src/encrypted-payloads.js';
import { openRunReader } from '../../src/open-reader.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import type { OrchestratorView } from '../../src/orchestrator-view.js';
import type { Plan } from '../../src/plan/schema.js';
import { action, approval, chain, plan } from '../support/plans.js';
import { temporaryDatabase, temporaryDirectory } from '../support/temporary.js';

/** Stands in every payload of the runs below, and nowhere else. */
const MARK = 'quince-marmalade';
const LARGE = `${MARK} ${'x'.repeat(100_000)}`;

const newKey = () => randomBytes(32).toString('base64');
const KEYS = { a: newKey(), b: newKey() };
const RING_A = keyRing({ current: { '': 'a' }, keys: KEYS });
const RING_B = keyRing({ current: { '': 'b' }, keys: KEYS });

async function open(database: string, keys: EncryptionKeys): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator({
    url: database,
    payloads: encryptedPayloads(keys),
    handlers: {
      work: (input, context) => {
        void context.heartbeat({ seen: MARK });
        const artifacts = [
          { name: 'small', kind: 'text', payload: MARK },
          { name: 'large', kind: 'text', payload: LARGE },
        ];
        return { ok: true, output: { said: MARK, input }, artifacts, notes: [MARK] };
      },
    },
  });
  onTestFinished(() => orchestrator.close());
  return orchestrator;
}

const draftOf = (...parts: Parameters<typeof plan>): Plan => plan(...parts).plan;
const DRAFT = draftOf([action('a'), approval('ask')], chain('a', 'ask'));

/** A run that has had payloads of every kind, and has ended. */
async function ended(orchestrator: Orchestrator, id: string): Promise<void> {
  const run = await orchestrator.start(DRAFT, { id, input: { asked: MARK } });
  expect(await orchestrator.settled(id)).toBe('awaiting-human');
  await orchestrator.signal(id, 'ping', { payload: MARK });
  const [task] = await orchestrator.tasks.list();
  const response = { approved: true, comments: MARK };
  await orchestrator.tasks.respond(task?.id ?? '', { response, comment: MARK });
  await run.result();
}

async function outputOf({ runs }: Orchestrator): Promise<unknown> {
  return (await runs.nodeRuns('r1')).find(({ node }) => node === 'a')?.output;
}

/** Everything that lies on the disk: the database, its log, and the files of payloads. */
function bytesOf(database: string): string {
  const folder = `${database}.artifacts`;
  const files = [database, `${database}-wal`, ...filesIn(folder)];
  return files.map((file) => (existsSync(file) ? readFileSync(file, 'latin1') : '')).join('');
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Answers that are kept for calls to runs, as they lie there, by run and key. */
async function answersIn(database: string): Promise<Record<string, string>> {
  const client = createClient({ url: `file:${database}` });
  const { rows } = await client.execute(
    'select r.id, k.key, k.answer_json from idempotency_keys k join runs r on r.run = k.run',
  );
  client.close();
  return Object.fromEntries(rows.map((row) => [`${row[0]} ${row[1]}`, String(row[2])]));
}

describe('payloads with a key', () => {
  it('S231 S135 are not in what a review that is to come will look at either', async () => {
    const database = temporaryDatabase();
    const orchestrator = await open(database, RING_A);
    const escalation = [{ responders: ['boss'], delayMs: 3_600_000 }];
    const failing = { outputSchema: { type: 'string' }, onFailure: 'escalate', escalation };
    await orchestrator.start(draftOf([action('a', failing)]), { id: 'r1' });
    for await (const { type } of orchestrator.events('r1')) {
      if (type === 'escalation.raised') break;
    }
    expect(bytesOf(database)).toContain('escalation');
    expect(bytesOf(database)).not.toContain(MARK);
  });

  it('S231 are nowhere on the disk as they are, and everywhere in what is read', async () => {
    const database = temporaryDatabase();
    const orchestrator = await open(database, RING_A);
    await ended(orchestrator, 'r1');
    const schedule = { id: 'nightly', plan: DRAFT, cadence: { everyMs: 3_600_000 } } as const;
    await orchestrator.schedules.create({ ...schedule, input: { asked: MARK } });
    expect(bytesOf(database)).not.toContain(MARK);

    const { runs } = orchestrator;
    expect((await runs.details('r1')).inputs).toEqual({ asked: MARK });
    expect(await outputOf(orchestrator)).toMatchObject({ said: MARK });
    expect((await runs.artifact('r1', 'small')).payload).toBe(MARK);
    expect((await runs.artifact('r1', 'large')).payload).toBe(LARGE);
    expect((await orchestrator.schedules.get('nightly')).input).toEqual({ asked: MARK });
    const [task] = await orchestrator.tasks.list({ status: 'answered' });
    expect(JSON.stringify(task?.presented)).toContain(MARK);
    const [response] = await orchestrator.tasks.responses(task?.id ?? '');
    expect(response).toMatchObject({ comment: MARK, response: { comments: MARK } });
  });

  it('S90 S231 are not in the inputs of attempts either that were replaced, and are read with their key', async () => {
    const database = temporaryDatabase();
    const first = await open(database, RING_A);
    const failing = action('a', { outputSchema: { type: 'string' }, onFailure: 'replan' });
    await first.start(draftOf([failing]), { id: 'r1', input: { asked: MARK } });
    expect(await first.settled('r1')).toBe('blocked');
    const patched = { asked: `${MARK} ${'y'.repeat(50_000)}` };
    for (const input of [patched, { asked: 'something else' }]) {
      await first.change.patchInput('r1', 'a', { input, by: 'op' });
      await first.retryNode('r1', 'a');
      expect(await first.settled('r1')).toBe('blocked');
    }
    expect(bytesOf(database)).not.toContain(MARK);
    await first.close();
    const second = await open(database, RING_B);
    const given = (await second.runs.attempts('r1')).map(({ input }) => input);
    expect(given).toEqual([{ asked: MARK }, patched, { asked: 'something else' }]);
    const { runs: sealed, close } = openRunReader(database);
    onTestFinished(() => close());
    await expect(sealed.attempts('r1')).rejects.toMatchObject({ code: 'payload-unreadable' });
  });

  it('S164 S228 S231 go on after a restart, with another key meanwhile', async () => {
    const database = temporaryDatabase();
    const first = await open(database, RING_A);
    await first.start(DRAFT, { id: 'r1', input: { asked: MARK } });
    await first.settled('r1');
    await first.close();
    const second = await open(database, RING_B);
    const [task] = await second.tasks.list();
    await second.tasks.respond(task?.id ?? '', { response: { approved: true } });
    expect((await second.result('r1')).status).toBe('completed');
    expect(await outputOf(second)).toMatchObject({ said: MARK });
    expect(bytesOf(database)).not.toContain(MARK);
    expect((await second.runs.verify('r1')).findings).toEqual([]);
  });

  it('S164 S231 are not in the answers that keyed calls are given again, and are given again', async () => {
    const database = temporaryDatabase();
    const ring = keyRing({ current: { '': 'a', acme: 'b' }, keys: KEYS });
    const first = await open(database, ring);
    const asked = { n: 1 };
    const say = async (view: OrchestratorView, key: string, said: string) =>
      view.once(key, asked, async () => ({ said }));
    expect(await say(first, 'own~k', MARK)).toEqual({ said: MARK });
    expect(await say(first.forTenant('acme'), 'k', MARK)).toEqual({ said: MARK });
    // What a call to a run is given has the key of the run's tenant, whatever it calls itself.
    const acme = first.forTenant('acme');
    await acme.start(DRAFT, { id: 'r1' });
    await acme.settled('r1');
    const [ofAcme] = await acme.tasks.list();
    const unfit = { idempotencyKey: 'own', response: {} };
    await acme.tasks.respond(ofAcme?.id ?? '', unfit).catch(() => {});
    await first.start(DRAFT, { id: 'r1' });
    await first.settled('r1');
    const task = (await first.tasks.list()).find(({ run }) => run === 'r1');
    const alike = { idempotencyKey: 'acme~alike', response: {} };
    await first.tasks.respond(task?.id ?? '', alike).catch(() => {});
    const kept = await answersIn(database);
    expect(kept['acme~r1 own']).toMatch(/^sealed\.1\.b\./);
    expect(kept['r1 acme~alike']).toMatch(/^sealed\.1\.a\./);
    const wrong = { idempotencyKey: 'wrong', response: {} };
    const refused = await first.tasks.respond(task?.id ?? '', wrong).catch((error) => error);
    expect(refused.code).toBe('response-invalid');
    for (const text of [MARK, refused.hint]) expect(bytesOf(database)).not.toContain(text);
    await first.close();

    const second = await open(database, RING_B);
    expect(await say(second, 'own~k', 'else')).toEqual({ said: MARK });
    expect(await say(second.forTenant('acme'), 'k', 'else')).toEqual({ said: MARK });
    await expect(second.tasks.respond(task?.id ?? '', wrong)).rejects.toMatchObject({
      code: refused.code,
      message: refused.message,
      issues: refused.issues,
    });
    await second.close();
    const withoutB = await open(database, keyRing({ current: { '': 'a' }, keys: { a: KEYS.a } }));
    expect(await say(withoutB, 'own~k', 'else')).toEqual({ said: MARK });
    await expect(say(withoutB.forTenant('acme'), 'k', 'else')).rejects.toMatchObject({
      code: 'payload-unreadable',
    });
  });

  it('S164 S231 of answers that were kept before there was a key are given again', async () => {
    const database = temporaryDatabase();
    const before = await createOrchestrator({ url: database, handlers: { work: () => 1 } });
    await before.once('k', {}, async () => ({ said: MARK }));
    await before.close();
    const after = await open(database, RING_A);
    expect(await after.once('k', {}, async () => ({ said: 'else' }))).toEqual({ said: MARK });
  });

  it('S226 S231 go with an export, and are encrypted again where it is brought in', async () => {
    const database = temporaryDatabase();
    const file = join(temporaryDirectory(), 'r1.jsonl');
    const first = await open(database, RING_A);
    await ended(first, 'r1');
    await writeFile(file, first.runs.export('r1'));
    expect(readFileSync(file, 'utf8')).toContain(MARK);
    const other = temporaryDatabase();
    const second = await open(other, RING_B);
    await second.import(file);
    expect(bytesOf(other)).not.toContain(MARK);
    expect((await second.runs.artifact('r1', 'large')).payload).toBe(LARGE);
  });

  it('S231 of each tenant have the key of that tenant, and are lost with it', async () => {
    const database = temporaryDatabase();
    const keys = { '': 'a', acme: 'b' };
    const codec = encryptedPayloads(keyRing({ current: keys, keys: KEYS }));
    expect(codec.encode('1', 'acme~r1')).toMatch(/^sealed\.1\.b\./);
    expect(codec.encode('1', 'r1')).toMatch(/^sealed\.1\.a\./);
    const { find } = RING_A;
    const withoutB = { ...RING_A, find: (id: string) => (id === 'b' ? undefined : find(id)) };
    expect(() => encryptedPayloads(withoutB).decode(codec.encode('1', 'acme~r1'))).toThrow(/"b"/);
    const orchestrator = await open(database, RING_A);
    await ended(orchestrator, 'r1');
    await orchestrator.close();
    const withoutA = keyRing({ current: { '': 'b' }, keys: { b: KEYS.b } });
    const payloads = encryptedPayloads(withoutA);
    const { runs, close } = openRunReader(database, { payloads });
    await expect(runs.details('r1')).rejects.toMatchObject({ code: 'payload-unreadable' });
    expect((await runs.events('r1')).length).toBeGreaterThan(5);
    close();
  });

  it('S231 that were changed, or swapped for those of another key, are refused', () => {
    const codec = encryptedPayloads(RING_A);
    const sealed = codec.encode('{"a":1}', 'r1');
    const [head, body = ''] = [sealed.slice(0, 11), sealed.slice(11)];
    const changed = `${head}${body.startsWith('A') ? 'B' : 'A'}${body.slice(1)}`;
    expect(() => codec.decode(changed)).toThrow();
    expect(() => codec.decode(sealed.replace('.a.', '.b.'))).toThrow();
    expect(() => codec.decode(sealed.slice(0, 40))).toThrow();
    expect(codec.decode('{"a":1}')).toBe('{"a":1}');
  });

  it.each([
    ['a short key', { current: { '': 'a' }, keys: { a: 'AAAA' } }],
    ['an id with a dot', { current: { '': 'a.b' }, keys: { 'a.b': newKey() } }],
    ['a current key that is not there', { current: { '': 'x' }, keys: KEYS }],
    ['no key for all others', { current: { acme: 'a' }, keys: KEYS }],
  ])('S231 refuses a ring with %s', (_, ring) => {
    expect(() => keyRing(ring)).toThrow(expect.objectContaining({ code: 'argument-invalid' }));
  });
});

describe('a codec of the application', () => {
  it('S190 decides how payloads are stored, and gives them back', async () => {
    const database = temporaryDatabase();
    const orchestrator = await createOrchestrator({
      url: database,
      handlers: { work: () => ({ said: MARK }) },
      payloads: {
        encode: (text) => `b64:${Buffer.from(text).toString('base64')}`,
        decode: (stored) => Buffer.from(stored.slice(4), 'base64').toString(),
      },
    });
    const run = await orchestrator.start(draftOf([action('a')], []), { input: { n: 1 } });
    expect((await run.result()).outputs).toEqual({ a: { said: MARK } });
    await orchestrator.close();
    const { runs, close } = openRunReader(database);
    await expect(runs.details(run.id)).rejects.toThrow(/JSON/);
    close();
    expect(bytesOf(database).includes(MARK)).toBe(false);
  });
});
