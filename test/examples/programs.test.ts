/** The examples that are programs of their own: each is run by the one command of its page. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../support/temporary.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const env = { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: undefined };

/** The words behind `node` of the one command of an example's page. */
function commandOf(name: string): string[] {
  const text = readFileSync(join(ROOT, `examples/${name}/README.md`), 'utf8');
  const [, command = '', ...others] = text.split(/```(?:sh)?\n/);
  expect(others).toHaveLength(1);
  const [node, ...words] = command.trim().split(' ');
  expect(node).toBe('node');
  return words.map((word) => (word.startsWith('examples/') ? join(ROOT, word) : word));
}

function start(cwd: string, words: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, words, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** The first line that fits. */
async function line(child: ChildProcess, pattern: RegExp): Promise<string> {
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  for await (const each of lines) if (pattern.test(each)) return each;
  throw new Error(`it never said ${pattern}`);
}

function runToEnd(cwd: string, words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, words, {
    cwd,
    env,
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect(status, stdout + stderr).toBe(0);
  return stdout;
}

describe.each(['service', 'host-machine', 'tested-plan', 'task-form'])(
  'examples/%s/README.md',
  (name) => {
    const page = `examples/${name}/README.md`;

    it('links to files that are there', () => {
      const text = readFileSync(join(ROOT, page), 'utf8');
      const targets = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path]) => path ?? '');
      expect(targets).not.toEqual([]);
      for (const target of targets)
        expect(existsSync(join(ROOT, dirname(page), target)), target).toBe(true);
    });
  },
);

describe('examples/host-machine', () => {
  it('S214 goes on with what its run comes to', () => {
    const said = runToEnd(temporaryDirectory(), commandOf('host-machine'));
    expect(said).toContain('delivering\n');
    expect(said.trim().split('\n').slice(-2)).toEqual([
      'thanking',
      'a parcel of books has arrived',
    ]);
  });

  it('S214 finds its run again after kill -9, and packs nothing twice', async () => {
    const folder = temporaryDirectory();
    const words = commandOf('host-machine');
    const first = start(folder, [...words, '600000']);
    await line(first, /carrying/);
    const ended = once(first, 'exit');
    first.kill('SIGKILL');
    await ended;
    const said = runToEnd(folder, words);
    expect(said).toContain('a parcel of books has arrived');
    expect(said).not.toContain('packing');
  });
});

describe('examples/tested-plan', () => {
  it('S212 passes its tests', () => {
    const said = runToEnd(temporaryDirectory(), commandOf('tested-plan'));
    expect(said).toMatch(/pass 4\b/);
  });
});

describe('examples/service', () => {
  it('takes orders, asks about the large ones, and stops when it is told to', async () => {
    const child = start(temporaryDirectory(), [...commandOf('service'), '0']);
    const url = await line(child, /^http/);
    const ask = async (method: string, path: string, body?: object) => {
      const sent = body && { body: JSON.stringify(body) };
      const response = await fetch(`${url}${path}`, { method, ...sent });
      return [response.status, await response.json()];
    };
    const books = { goods: 'books', price: 20 };
    expect(await ask('PUT', '/orders/a1', books)).toEqual([201, { id: 'a1', status: 'completed' }]);
    expect(await ask('PUT', '/orders/a1', books)).toEqual([200, { id: 'a1', status: 'completed' }]);
    const piano = { goods: 'a piano', price: 2_000 };
    expect(await ask('PUT', '/orders/a2', piano)).toEqual([
      201,
      { id: 'a2', status: 'awaiting-human' },
    ]);
    const [, tasks] = await ask('GET', '/runchart/tasks');
    expect(JSON.stringify(tasks)).toContain('"run":"a2"');
    expect(await ask('POST', '/orders/a2/approval', { approved: true })).toMatchObject([200, {}]);
    expect(await ask('GET', '/orders/a2')).toEqual([
      200,
      { id: 'a2', status: 'completed', output: 'a piano, on their way' },
    ]);
    expect(await ask('PUT', '/orders/a3', { goods: 7 })).toMatchObject([
      422,
      { code: 'input-invalid' },
    ]);
    expect(await ask('GET', '/orders/a9')).toMatchObject([404, { code: 'run-unknown' }]);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});
