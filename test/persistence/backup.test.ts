import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  backupDatabase,
  createOrchestrator,
  encryptedPayloads,
  keyRing,
  type Orchestrator,
  openRunReader,
  type PayloadCodec,
  restoreDatabase,
} from '../../src/index.js';
import {
  databaseIn,
  manifestIn,
  readManifest,
  sha256,
  writeManifest,
} from '../../src/persistence/backup-manifest.js';
import { readHead } from '../../src/persistence/head-file.js';
import { payloadPath } from '../../src/persistence/verify-database.js';
import { action, approval, chain, plan } from '../support/plans.js';
import { temporaryDirectory } from '../support/temporary.js';
import { count, startChild, tamper } from './support/storage.js';

const { plan: approved } = plan([action('make'), approval('look')], chain('make', 'look'));
const { plan: single } = plan([action('make')]);
const PAYLOAD = { text: 'x'.repeat(100_000) };

async function open(url: string, payloads?: PayloadCodec): Promise<Orchestrator> {
  const work = ({ size = 100_000 }: { size?: number }) => ({
    ok: true,
    artifacts: [{ name: 'book', kind: 'json', payload: { text: 'x'.repeat(size) } }],
  });
  const orchestrator = await createOrchestrator({
    url,
    handlers: { work },
    ...(payloads && { payloads }),
  });
  onTestFinished(() => orchestrator.close());
  return orchestrator;
}

/** A database with a finished run, a run that waits for a person, and a payload in a file. */
async function populated() {
  const folder = temporaryDirectory();
  const url = join(folder, 'runs.db');
  const orchestrator = await open(url);
  await (await orchestrator.start(single, { id: 'done', input: {} })).result();
  await orchestrator.start(approved, { id: 'waiting' });
  await orchestrator.settled('waiting');
  return { folder, url, orchestrator };
}

/** Starts runs one after another until told to stop; resolves with their ids. */
function startingRuns(orchestrator: Orchestrator, draft = single) {
  let isWanted = true;
  const ids: string[] = [];
  const done = (async () => {
    for (let i = 0; isWanted; i += 1) {
      const run = await orchestrator.start(draft, { id: `live-${i}`, input: {} });
      await run.result();
      ids.push(run.id);
    }
  })();
  return {
    ids,
    async stop() {
      isWanted = false;
      await done;
    },
  };
}

describe('S235 a backup of a live database', () => {
  it('S235 holds all that was acknowledged before it, and goes on in a new place where it was', async () => {
    const { folder, orchestrator } = await populated();
    const live = startingRuns(orchestrator);
    while (live.ids.length < 5) await new Promise((resolve) => setImmediate(resolve));
    const before = [...live.ids];
    const backup = await orchestrator.backup(join(folder, 'backup'));
    const during = live.ids.length;
    await live.stop();
    expect(during).toBeGreaterThan(before.length);
    expect(backup).toMatchObject({ payloads: 1, findings: [] });

    const there = join(folder, 'there.db');
    await restoreDatabase(backup.path, there);
    const restored = await open(there);
    for (const id of before) expect((await restored.runs.summary(id)).status).toBe('completed');
    expect((await restored.runs.verify('done')).ok).toBe(true);
    expect((await restored.runs.artifact('done', 'book')).payload).toEqual(PAYLOAD);
    const [task] = await restored.runs.openTasks();
    await restored.respond(task?.id ?? '', { response: { approved: true } });
    expect((await restored.result('waiting')).status).toBe('completed');
    expect((await orchestrator.runs.summary('waiting')).status).toBe('awaiting-human');
    const { hash } = await orchestrator.runs.replay('done');
    expect((await restored.runs.replay('done')).hash).toBe(hash);
  });

  it('S235 has the payloads that came while it was made, of runs at work too', async () => {
    const folder = temporaryDirectory();
    let made = 0;
    const work = () => {
      made += 1;
      const payload = { text: `${made} `.repeat(50_000) };
      return { ok: true, artifacts: [{ name: 'book', kind: 'json', payload }] };
    };
    const orchestrator = await createOrchestrator({
      url: join(folder, 'runs.db'),
      handlers: { work },
    });
    onTestFinished(() => orchestrator.close());
    const live = startingRuns(
      orchestrator,
      plan([action('make'), action('more')], chain('make', 'more')).plan,
    );
    while (live.ids.length < 5) await new Promise((resolve) => setImmediate(resolve));
    const before = made;
    const { path, payloads } = await orchestrator.backup(join(folder, 'backup'));
    await live.stop();
    expect(payloads).toBeGreaterThan(before);

    const there = join(folder, 'there.db');
    await restoreDatabase(path, there);
    const restored = await createOrchestrator({ url: there, handlers: { work } });
    onTestFinished(() => restored.close());
    for (const { id } of await restored.runs.list({ limit: 1_000 })) {
      expect([id, (await restored.result(id)).status]).toEqual([id, 'completed']);
      for (const { name, version } of await restored.runs.artifacts(id)) {
        const { payload } = await restored.runs.artifact(id, name, version);
        expect(JSON.stringify(payload).length).toBeGreaterThan(50_000);
      }
    }
  });

  it('S235 P5 has the head file of its newest turn, and an epoch that grows with its new owner', async () => {
    const { folder, url, orchestrator } = await populated();
    const { path, turn } = await orchestrator.backup(join(folder, 'backup'));
    const there = join(folder, 'there.db');
    await restoreDatabase(path, there);
    expect(readHead(`${there}-head`)?.turn).toBe(turn);
    const epoch = () => count(there, 'select epoch from owner');
    const before = await epoch();
    expect(before).toBe(await count(url, 'select epoch from owner'));
    await (await open(there)).close();
    expect(await epoch()).toBe(before + 1);
    await tamper(there, `delete from checkpoints where turn = ${turn}`);
    await expect(open(there)).rejects.toMatchObject({ code: 'journal-truncated' });
  });

  it('S235 is never put over anything, and neither is a database', async () => {
    const { folder, url, orchestrator } = await populated();
    const taken = join(folder, 'taken');
    mkdirSync(taken);
    await expect(orchestrator.backup(taken)).rejects.toMatchObject({ code: 'backup-exists' });
    const { path } = await orchestrator.backup(join(folder, 'backup'));
    await expect(restoreDatabase(path, url)).rejects.toMatchObject({ code: 'database-exists' });
    for (const left of ['', '-wal', '-head', '-lock', '.artifacts']) {
      const there = join(folder, `there${left.replace('.', '-')}.db`);
      writeFileSync(`${there}${left}`, '');
      await expect(restoreDatabase(path, there)).rejects.toMatchObject({ code: 'database-exists' });
      expect(statSync(`${there}${left}`).size).toBe(0);
    }
  });

  it('S235 restored twice into one place at once is there once, with a head file of its own', async () => {
    const { folder, orchestrator } = await populated();
    const older = await orchestrator.backup(join(folder, 'older'));
    await (await orchestrator.start(single, { id: 'later', input: {} })).result();
    const newer = await orchestrator.backup(join(folder, 'newer'));
    for (let round = 0; round < 3; round += 1) {
      const there = join(folder, `there-${round}.db`);
      const made = await Promise.allSettled(
        [older, newer].map(({ path }) => restoreDatabase(path, there)),
      );
      const [won] = made.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      const lost = made.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
      expect(lost).toEqual(['database-exists']);
      expect(readHead(`${there}-head`)?.turn).toBe(won?.turn);
      const names = readdirSync(folder).filter((name) => name.startsWith(`there-${round}`));
      const files = ['.db', '.db-head', '.db.artifacts'];
      expect(names.sort()).toEqual(files.map((end) => `there-${round}${end}`).sort());
      await (await open(there)).close();
    }
    // A place that is taken by what nobody can open.
    const nowhere = join(folder, 'nowhere.db');
    symlinkSync(join(folder, 'gone', 'runs.db'), nowhere);
    await expect(restoreDatabase(newer.path, nowhere)).rejects.toMatchObject({
      code: 'database-exists',
    });
    expect(readdirSync(folder).filter((name) => name.startsWith('nowhere'))).toEqual([
      'nowhere.db',
    ]);
  });

  it('S235 that is cut off or changed anywhere is noticed, and nothing is restored', async () => {
    const { folder, orchestrator } = await populated();
    const { path } = await orchestrator.backup(join(folder, 'backup'));
    const files = (readdirSync(path, { recursive: true }) as string[])
      .map((name) => join(path, name))
      .filter((name) => statSync(name).isFile());
    expect(files).toHaveLength(3);
    const there = join(folder, 'there.db');
    for (const file of files) {
      const bytes = readFileSync(file);
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
      for (const spoil of [
        () => truncateSync(file, bytes.length >> 1),
        () => writeFileSync(file, flipped),
        () => rmSync(file),
      ]) {
        spoil();
        await expect(restoreDatabase(path, there)).rejects.toMatchObject({
          code: 'backup-damaged',
        });
        expect(readdirSync(folder).filter((name) => name.startsWith('there'))).toEqual([]);
        writeFileSync(file, bytes);
      }
    }
    expect(await restoreDatabase(path, there)).toMatchObject({ runs: 2 });
  });

  it('S235 looks at every payload, however many there are and whatever their artifacts are called', async () => {
    const { folder, url, orchestrator } = await populated();
    await orchestrator.close();
    const names = Array.from({ length: 1_100 }, (_, i) => {
      const text = JSON.stringify(`payload ${i}`);
      const name = createHash('sha256').update(text).digest('hex');
      mkdirSync(dirname(payloadPath(url, name)), { recursive: true });
      writeFileSync(payloadPath(url, name), text);
      return name;
    });
    const called = (i: number) => (i % 2 === 0 ? `Z${i}` : `!${i}`);
    const values = names.map(
      (name, i) => `(1, '${called(i)}', 1, 'text', 'make', 1, 0, '${name}')`,
    );
    await tamper(
      url,
      `insert into artifacts (run, name, version, kind, node, attempt, at, digest) values ${values}`,
    );
    const whole = await backupDatabase(url, join(folder, 'whole'));
    expect(whole).toMatchObject({ payloads: 1_101, findings: [] });
    const last = names.sort().at(-1) ?? '';
    rmSync(payloadPath(url, last));
    const made = await backupDatabase(url, join(folder, 'damaged'), { acceptDamage: true });
    expect(made.findings).toEqual([`payload ${last} is not there`]);
  });

  it('S235 is refused for a damaged database, unless the damage is accepted and then said', async () => {
    const { folder, url, orchestrator } = await populated();
    await orchestrator.close();
    await tamper(url, `update run_events set detail_json = '{}' where seq = 2 and run = 1`);
    const target = join(folder, 'backup');
    await expect(backupDatabase(url, target)).rejects.toMatchObject({ code: 'backup-damaged' });
    expect(existsSync(target)).toBe(false);
    const made = await backupDatabase(url, target, { acceptDamage: true });
    expect(made.findings).toEqual([expect.stringContaining('run done')]);
    const restored = await restoreDatabase(target, join(folder, 'there.db'));
    expect(restored.findings).toEqual(made.findings);
  });

  it('S235 is refused where the log has lost its end, of which the head file knows', async () => {
    const { folder, url, orchestrator } = await populated();
    await orchestrator.close();
    await tamper(url, 'delete from checkpoints where turn = (select max(turn) from checkpoints)');
    const target = join(folder, 'backup');
    for (const acceptDamage of [false, true]) {
      const made = backupDatabase(url, target, { acceptDamage });
      await expect(made).rejects.toMatchObject({ code: 'backup-failed' });
    }
    expect(readdirSync(folder).filter((name) => name.startsWith('backup'))).toEqual([]);
  });

  it('S235 is verified by what is in it when it is restored, whatever its manifest says', async () => {
    const { folder, orchestrator } = await populated();
    const { path } = await orchestrator.backup(join(folder, 'backup'));
    const there = join(folder, 'there.db');
    const refused = async () => {
      await expect(restoreDatabase(path, there)).rejects.toMatchObject({ code: 'backup-damaged' });
      expect(readdirSync(folder).filter((name) => name.startsWith('there'))).toEqual([]);
    };
    const text = readFileSync(manifestIn(path), 'utf8');
    // Of what no file tells otherwise.
    writeFileSync(manifestIn(path), text.replace('"runs": 2', '"runs": 3'));
    await refused();
    writeFileSync(manifestIn(path), text);
    const manifest = await readManifest(path);
    await tamper(
      databaseIn(path),
      `update run_events set detail_json = '{}' where seq = 2 and run = 1`,
    );
    const bytes = readFileSync(databaseIn(path));
    const database = { bytes: bytes.length, sha256: sha256(bytes) };
    writeFileSync(manifestIn(path), writeManifest({ ...manifest, database }));
    await refused();
  });

  it('S235 S173 is taken and restored after everything old was removed', async () => {
    const { folder, orchestrator } = await populated();
    await orchestrator.cancel('waiting');
    await orchestrator.result('waiting');
    await orchestrator.trim({ olderThanMs: 0 });
    const { path } = await orchestrator.backup(join(folder, 'backup'));
    const there = join(folder, 'there.db');
    expect(await restoreDatabase(path, there)).toMatchObject({ runs: 0 });
    await (await (await open(there)).start(single, { input: {} })).result();
  });

  it('S235 S231 holds encrypted payloads as they are, and no key', async () => {
    const folder = temporaryDirectory();
    const url = join(folder, 'runs.db');
    const keys = { k: Buffer.alloc(32, 7).toString('base64') };
    const payloads = encryptedPayloads(keyRing({ current: { '': 'k' }, keys }));
    const orchestrator = await open(url, payloads);
    await (await orchestrator.start(single, { id: 'done', input: {} })).result();
    const { path } = await orchestrator.backup(join(folder, 'backup'));
    const unsaid = backupDatabase(url, join(folder, 'unsaid'));
    await expect(unsaid).rejects.toMatchObject({ code: 'backup-damaged' });

    const names = readdirSync(path, { recursive: true }) as string[];
    const file = join(path, names.find((name) => /[0-9a-f]{64}$/.test(name)) ?? '');
    const bytes = readFileSync(file);
    // Four of them come about by chance.
    expect(bytes.includes('x'.repeat(16))).toBe(false);
    const there = join(folder, 'there.db');
    writeFileSync(file, Buffer.concat([bytes, Buffer.from('A')]));
    await expect(restoreDatabase(path, there)).rejects.toMatchObject({ code: 'backup-damaged' });
    writeFileSync(file, bytes);
    await restoreDatabase(path, there);
    const restored = await open(there, payloads);
    expect((await restored.runs.artifact('done', 'book')).payload).toEqual(PAYLOAD);
  });

  it('S235 given up by closing leaves nothing', async () => {
    const { folder, orchestrator } = await populated();
    const backup = orchestrator.backup(join(folder, 'backup')).catch(({ code }) => code);
    await orchestrator.close();
    expect(await backup).toBe('backup-failed');
    expect(readdirSync(folder).filter((name) => name.startsWith('backup'))).toEqual([]);
  });

  it('S235 killed at any moment leaves nothing that has its name and is not whole', async () => {
    const { folder, url, orchestrator } = await populated();
    for (let round = 0; round < 4; round += 1) {
      const place = join(folder, `round-${round}`);
      mkdirSync(place);
      const { child, lines, ended } = startChild('backing-up-child.ts', [url, place]);
      let said = 0;
      for await (const _ of lines) {
        said += 1;
        if (said > round / 2) break;
      }
      await orchestrator.start(single, { input: {} });
      for (let i = 0; i < round * 40; i += 1) await new Promise((done) => setImmediate(done));
      child.kill('SIGKILL');
      await ended;
      for (const name of readdirSync(place)) {
        const restored = restoreDatabase(join(place, name), join(place, `${name}.db`));
        if (/^backup-\d+$/.test(name)) await restored;
        else await restored.catch((error) => expect(error.code).toBe('backup-damaged'));
      }
    }
    const { runs, close } = openRunReader(url);
    expect((await runs.verify('done')).ok).toBe(true);
    close();
  });
});
