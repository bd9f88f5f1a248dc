import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunDetails, RunEvent } from '../../src/index.js';
import { Workplace } from '../cli/support/workplace.js';

const INDEX = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
const LEASE_MS = 2_000;

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.leave());

/** A server whose one handler is done outside, and a module for workers that says who did it. */
async function serve(plan: string, more: readonly string[] = []) {
  const file = place.write('work.yaml', plan);
  const module = place.write(
    'server.mjs',
    `import { external } from ${JSON.stringify(INDEX)};
     export const handlers = { work: external({ leaseMs: ${LEASE_MS} }) };`,
  );
  place.write(
    'worker.mjs',
    `import { existsSync } from 'node:fs';
     import { setTimeout as sleep } from 'node:timers/promises';
     const who = process.argv[process.argv.indexOf('--name') + 1];
     export const handlers = {
       async work(input, { key }) {
         console.log('began', key);
         while (who !== 'good' && !existsSync('go')) await sleep(20);
         return who;
       },
     };`,
  );
  const server = place.start('serve', file, '--handlers', module, ...more);
  const [, url = ''] = await server.says(/serves (http:\S+)/);
  return { server, url };
}

/** A worker; it works on until the file `go` is there, unless it is the good one. */
function work(url: string, name: string, ...more: readonly string[]) {
  const module = join(place.folder, 'worker.mjs');
  return place.start('worker', '--url', url, '--handlers', module, '--name', name, ...more);
}

async function post(url: string, path: string, body: object) {
  const headers = { 'content-type': 'application/json' };
  return fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function details(url: string, run: string): Promise<RunDetails> {
  return (await (await fetch(`${url}/runs/${run}`)).json()) as RunDetails;
}

/** Events of a type, as soon as there is one. */
async function eventsOf(url: string, run: string, type: string): Promise<readonly RunEvent[]> {
  for (;;) {
    const page = (await (await fetch(`${url}/runs/${run}/events?limit=1000`)).json()) as {
      events: RunEvent[];
    };
    const found = page.events.filter((event) => event.type === type);
    if (found.length > 0) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const MANY = `
title: Many
nodes:
  - { kind: map, id: all, items: 'inputs.items', handler: work, retry: { maxInterruptions: 20 } }
  - { kind: signal, id: checked }
edges: [{ source: all, target: checked }]
`;
const ONE = 'title: One\nnodes: [{ kind: action, id: one, handler: work }]\nedges: []\n';

describe('workers in processes of their own', () => {
  it('S174 S178 one is killed and one stands still past its lease: nothing is lost, and nothing stale counts', async () => {
    const { url } = await serve(MANY, ['--port', '0']);
    const input = { items: ['a', 'b', 'c', 'd', 'e', 'f'] };
    await post(url, '/runs', { plan: 'work', id: 'r', input });
    const doomed = work(url, 'doomed');
    const [, killed = ''] = await doomed.says(/began (\S+)/);
    const still = work(url, 'still');
    const [, stopped = ''] = await still.says(/began (\S+)/);
    expect(stopped).not.toBe(killed);
    await doomed.kill('SIGKILL');
    still.process.kill('SIGSTOP');
    const good = work(url, 'good', '--concurrency', '2');
    await eventsOf(url, 'r', 'node.waiting');
    // The one that stood still comes back with a result that nobody waits for.
    place.write('go', '');
    still.process.kill('SIGCONT');
    const [, lost] = await still.says(/(?:lost|completed) (\S+)/);
    expect(lost).toBe(stopped);
    const refused = await Promise.race([
      eventsOf(url, 'r', 'attempt.call-refused'),
      eventsOf(url, 'r', 'attempt.result-refused'),
    ]);
    expect(refused[0]?.detail).toMatchObject({ code: 'lease-lost' });
    const run = await details(url, 'r');
    const all = run.nodes.find(({ node }) => node === 'all');
    expect(all).toMatchObject({ status: 'completed', output: input.items.map(() => 'good') });
    const interrupted = await eventsOf(url, 'r', 'attempt.interrupted');
    expect(interrupted.map(({ detail }) => detail.code)).toContain('lease-expired');
    expect(await good.kill('SIGTERM')).toMatchObject({ code: 0 });
  }, 60_000);

  it('S164 S178 the server is killed while a worker works, and takes its result after it came back', async () => {
    const { server, url } = await serve(ONE, ['--port', '0']);
    await post(url, '/runs', { plan: 'work', id: 'r' });
    const worker = work(url, 'patient');
    const [, key = ''] = await worker.says(/began (\S+)/);
    await server.kill('SIGKILL');
    await serve(ONE, ['--port', new URL(url).port]);
    writeFileSync(join(place.folder, 'go'), '');
    expect((await worker.says(/(?:lost|completed) (\S+)/))[0]).toBe(`completed ${key}`);
    const run = await details(url, 'r');
    expect(run).toMatchObject({
      status: 'completed',
      nodes: [{ node: 'one', attempt: 1, output: 'patient' }],
    });
  }, 60_000);

  it('S178 on SIGTERM a worker ends what it has, or gives it back, and claims nothing more', async () => {
    const { url } = await serve(ONE, ['--port', '0']);
    for (const id of ['r1', 'r2', 'r3']) await post(url, '/runs', { plan: 'work', id });
    const patient = work(url, 'patient');
    const [, key = ''] = await patient.says(/began (\S+)/);
    patient.process.kill('SIGTERM');
    place.write('go', '');
    const ended = await patient.ended;
    expect(ended).toMatchObject({ code: 0, signal: null });
    expect(ended.stdout).toContain(`completed ${key}`);
    expect(ended.stdout.match(/began/g)).toHaveLength(1);
    const offers = (await (await fetch(`${url}/work`)).json()) as object;
    expect(offers).toEqual({ offers: [{ handler: 'work', capability: 'work', waiting: 2 }] });
  }, 60_000);
});

const BRANCHES = `
title: Branches
nodes:
  - { kind: action, id: look, handler: work }
  - { kind: switch, id: route }
  - { kind: action, id: left, handler: work }
  - { kind: action, id: right, handler: work }
  - { kind: action, id: far-right, handler: work }
  - { kind: join, id: all }
  - { kind: join, id: any, rule: any }
  - { kind: action, id: close, handler: work }
edges:
  - { source: look, target: route }
  - { source: route, target: left, when: inputs.way == "left" }
  - { source: route, target: right, when: inputs.way == "right" }
  - { source: right, target: far-right }
  - { source: left, target: all }
  - { source: far-right, target: all }
  - { source: left, target: any }
  - { source: far-right, target: any }
  - { source: all, target: close }
  - { source: any, target: close }
`;

describe('exclusive branches that workers in processes of their own work on', () => {
  it('S176 S77 S79 a run ends with the branch that was taken, or none, whichever worker does what', async () => {
    const { url } = await serve(BRANCHES, ['--port', '0']);
    // Each does some of the work; nobody waits for a branch that nobody will work on.
    const workers = ['good', 'good'].map((name) => work(url, name));
    const ways = ['left', 'right', 'left', 'right', 'neither'];
    for (const [number, way] of ways.entries()) {
      await post(url, '/runs', { plan: 'work', id: `r${number}`, input: { way } });
    }
    const skipped = {
      left: ['far-right', 'right'],
      right: ['left'],
      neither: ['all', 'any', 'close', 'far-right', 'left', 'right'],
    };
    for (const [number, way] of ways.entries()) {
      const [end] = await eventsOf(url, `r${number}`, 'run.completed');
      expect(end?.detail).toMatchObject({ to: 'completed' });
      const { nodes } = await details(url, `r${number}`);
      const dead = nodes.filter(({ status }) => status !== 'completed');
      expect(dead.map(({ node }) => node).sort()).toEqual(skipped[way as keyof typeof skipped]);
      for (const { status } of dead) expect(status).toBe('skipped');
    }
    const offers = await (await fetch(`${url}/work`)).json();
    expect(offers).toEqual({ offers: [] });
    for (const worker of workers) {
      expect(await worker.kill('SIGTERM')).toMatchObject({ code: 0 });
    }
  }, 60_000);
});
