/**
 * A folder with a copy of the build and the child's modules beside it, as plain JavaScript: plain Node
 * runs them without a loader, and a rebuild meanwhile changes nothing.
 */
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transformSync } from '@swc/core';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const HERE = fileURLToPath(new URL('./', import.meta.url));

export class ProductCopy {
  readonly folder: string;

  /** `modules`: those of this folder that the child consists of. The build must exist. */
  constructor(modules: readonly string[]) {
    this.folder = mkdtempSync(join(tmpdir(), 'runchart-fault-'));
    // Readable for a child that runs as somebody else.
    chmodSync(this.folder, 0o755);
    cpSync(join(ROOT, 'dist'), join(this.folder, 'dist'), { recursive: true });
    for (const name of ['node_modules', 'drizzle']) {
      symlinkSync(join(ROOT, name), join(this.folder, name));
    }
    cpSync(join(ROOT, 'package.json'), join(this.folder, 'package.json'));
    mkdirSync(join(this.folder, 'child'));
    for (const name of modules) this.#addModule(name);
  }

  /** URL of the build, with a slash at its end. */
  get build(): string {
    return `${pathToFileURL(join(this.folder, 'dist')).href}/`;
  }

  module(name: string): string {
    return join(this.folder, 'child', `${name}.js`);
  }

  /** A new folder for one round. */
  makeFolder(): string {
    return mkdtempSync(join(this.folder, 'round-'));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #addModule(name: string): void {
    const source = readFileSync(join(HERE, `${name}.ts`), 'utf8');
    const { code } = transformSync(source, {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'es6' },
    });
    writeFileSync(this.module(name), code);
  }
}

export const WORKER_MODULES = ['worker', 'built-product', 'report', 'wrapped-storage'];
export const STORAGE_WORKER_MODULES = ['storage-worker', 'built-product', 'report'];
