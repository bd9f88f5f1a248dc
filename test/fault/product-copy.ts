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
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transformSync } from '@swc/core';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export class ProductCopy {
  readonly folder: string;

  /** `modules`: what the child consists of, in TypeScript. The build must exist. */
  constructor(modules: readonly URL[]) {
    this.folder = mkdtempSync(join(tmpdir(), 'runchart-fault-'));
    // Readable for a child that runs as somebody else.
    chmodSync(this.folder, 0o755);
    cpSync(join(ROOT, 'dist'), join(this.folder, 'dist'), { recursive: true });
    for (const name of ['node_modules', 'drizzle']) {
      symlinkSync(join(ROOT, name), join(this.folder, name));
    }
    cpSync(join(ROOT, 'package.json'), join(this.folder, 'package.json'));
    mkdirSync(join(this.folder, 'child'));
    for (const source of modules) this.#addModule(source);
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

  #addModule(source: URL): void {
    const { code } = transformSync(readFileSync(source, 'utf8'), {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'es6' },
    });
    writeFileSync(this.module(basename(source.pathname, '.ts')), code);
  }
}

const COMMON = [
  new URL('./built-product.ts', import.meta.url),
  new URL('./node-name.ts', import.meta.url),
  new URL('./report.ts', import.meta.url),
];
export const WORKER_MODULES: readonly URL[] = [
  new URL('./worker.ts', import.meta.url),
  new URL('./wrapped-storage.ts', import.meta.url),
  ...COMMON,
];
export const STORAGE_WORKER_MODULES: readonly URL[] = [
  new URL('./storage-worker.ts', import.meta.url),
  ...COMMON,
];
