/** The package as npm installs it into an empty project: packed, installed, type-checked, run. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');

const TSCONFIG = {
  compilerOptions: {
    target: 'ES2023',
    module: 'NodeNext',
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    declaration: true,
    outDir: 'out',
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
  },
  include: ['*.ts'],
};

function run(folder: string, command: string, ...words: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, words, {
    cwd: folder,
    encoding: 'utf8',
    timeout: 120_000,
    env: { ...process.env, NODE_OPTIONS: '', npm_config_loglevel: 'error' },
  });
  expect(status, `${command} ${words.join(' ')}\n${stdout}${stderr}`).toBe(0);
  return stdout;
}

it('the package installs into an empty project, with types, every part of it, and one copy of xstate', () => {
  const folder = temporaryDirectory();
  const packing = ['pack', '--ignore-scripts', '--pack-destination', folder];
  const packed =
    run(ROOT, 'npm', ...packing)
      .trim()
      .split('\n')
      .at(-1) ?? '';
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG));
  writeFileSync(join(folder, 'readme.ts'), /```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? '');
  copyFileSync(join(ROOT, 'test/package/support/consumer.ts'), join(folder, 'consumer.ts'));

  const xstate = `xstate@${manifest.devDependencies.xstate}`;
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'];
  run(folder, 'npm', 'install', ...quiet, `./${packed}`, xstate);
  expect(existsSync(join(folder, 'node_modules/runchart/node_modules/xstate'))).toBe(false);
  expect(readdirSync(join(folder, 'node_modules/runchart/dist'))).not.toContain('.tsbuildinfo');

  run(folder, process.execPath, join(ROOT, 'node_modules/typescript/bin/tsc'));
  expect(run(folder, process.execPath, 'out/readme.js')).toBe('sent: Hello Ada\n');
  expect(run(folder, process.execPath, 'out/consumer.js').trim().split('\n')).toEqual([
    'a book is there',
    '200',
    'run.completed',
    'run-unknown',
    'completed',
    'pending',
  ]);
  // Whatever is exported is there.
  const paths = Object.keys(manifest.exports).filter((path) => !path.endsWith('.json'));
  const imports = paths.map((path) => `await import('runchart${path.slice(1)}');`);
  run(folder, process.execPath, '--input-type=module', '-e', imports.join('\n'));
}, 180_000);
