import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ArtifactStore } from '../../src/actors/ports.js';
import { ArtifactFiles, artifactsPath } from '../../src/persistence/artifact-files.js';
import { MemoryArtifacts } from '../../src/testing/memory-artifacts.js';
import { temporaryDatabase } from '../support/temporary.js';

const digestOf = (text: string) => createHash('sha256').update(text).digest('hex');
const TEXTS = ['""', '{"a":1}', JSON.stringify('é\u{1f600}\u2028'.repeat(40_000))];

describe.each<[string, () => ArtifactStore]>([
  ['files', () => new ArtifactFiles(temporaryDatabase())],
  ['memory', () => new MemoryArtifacts()],
])('payloads in %s', (_name, open) => {
  it.each(TEXTS)('S97 S93 come back as they went in (%#)', async (text) => {
    const store = open();
    const digest = digestOf(text);
    expect(await store.get(digest, 'r')).toBeUndefined();
    await Promise.all([store.put(digest, text, 'r1'), store.put(digest, text, 'r1')]);
    await store.put(digest, text, 'r1');
    expect(await store.get(digest, 'r')).toBe(text);
  });
});

describe('the files of payloads', () => {
  const text = '"a payload"';
  const digest = digestOf(text);

  it('S97 lie beside the database under the first digits of their digest, and nothing else does', async () => {
    const database = temporaryDatabase();
    const store = new ArtifactFiles(database);
    await Promise.all([store.put(digest, text, 'r1'), store.put(digest, text, 'r1')]);
    const folder = join(artifactsPath(database), digest.slice(0, 2));
    expect(readdirSync(folder)).toEqual([digest]);
    expect(readFileSync(join(folder, digest), 'utf8')).toBe(text);
  });

  it('S97 that are damaged are written anew', async () => {
    const database = temporaryDatabase();
    const path = join(artifactsPath(database), digest.slice(0, 2), digest);
    await new ArtifactFiles(database).put(digest, text, 'r1');
    writeFileSync(path, 'damaged');
    await new ArtifactFiles(database).put(digest, text, 'r1');
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it('S97 are written where their folder was removed meanwhile', async () => {
    const database = temporaryDatabase();
    const store = new ArtifactFiles(database);
    await store.put(digest, text, 'r1');
    rmSync(artifactsPath(database), { recursive: true });
    await expect(store.put(digest, text, 'r1')).rejects.toThrow(/ENOENT/);
    await store.put(digest, text, 'r1');
    expect(await store.get(digest, 'r')).toBe(text);
  });

  it('S97 that cannot be written are refused, and leave no draft', async () => {
    const database = temporaryDatabase();
    const folder = join(artifactsPath(database), digest.slice(0, 2));
    mkdirSync(join(folder, digest), { recursive: true });
    const store = new ArtifactFiles(database);
    await expect(store.put(digest, text, 'r1')).rejects.toThrow();
    expect(readdirSync(folder)).toEqual([digest]);
  });

  it.skipIf(process.getuid?.() === 0)('S97 say where they may not be read', async () => {
    const database = temporaryDatabase();
    const store = new ArtifactFiles(database);
    await store.put(digest, text, 'r1');
    chmodSync(join(artifactsPath(database), digest.slice(0, 2), digest), 0);
    await expect(store.get(digest, 'r')).rejects.toThrow(/EACCES/);
  });

  it('S97 have no other names than digests', async () => {
    const database = temporaryDatabase();
    const store = new ArtifactFiles(database);
    expect(() => store.put('../../evil', text, 'r1')).toThrow(/no name/);
    await expect(store.get('../../evil', 'r1')).rejects.toThrow(/no name/);
    expect(existsSync(artifactsPath(database))).toBe(false);
  });
});
