import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { numbersOf, STREAM } from '../http/support/site.js';
import { Workplace } from './support/workplace.js';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.leave());

const JSON_TYPE = { 'content-type': 'application/json' };
const PLAN = 'title: Work\nnodes: [{ kind: action, id: only, handler: work }]\nedges: []\n';

/** A server with one run at work. */
async function serving(work: string, ...words: string[]) {
  const plan = place.write('work.yaml', PLAN);
  const module = place.write('work.mjs', `export const handlers = { work: ${work} };`);
  const { server, url } = await place.serve(plan, '--handlers', module, ...words);
  const body = JSON.stringify({ plan: 'work', id: 'w' });
  await fetch(`${url}/runs`, { method: 'POST', headers: JSON_TYPE, body });
  return { server, url };
}

async function statusOf(id: string): Promise<string> {
  return JSON.parse((await place.cli('show', id, '--json')).stdout).status;
}

describe('SIGTERM', () => {
  it('P19 is first said by readiness, then ends streams and idle connections, and waits for handlers', async () => {
    const work = `() => new Promise((done) => process.once('SIGTERM', () => setTimeout(done, 200)))`;
    const { server, url } = await serving(work, '--shutdown-delay', '1s');
    const stream = numbersOf(await fetch(`${url}/runs/w/events`, { headers: STREAM }));
    const idle = connect(Number(new URL(url).port), '127.0.0.1');
    const ended = new Promise((resolve) => idle.once('close', resolve));
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);

    server.process.kill('SIGTERM');
    await server.says(/stopping/);
    const ready = await fetch(`${url}/health/ready`);
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'closing' }]);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect(await server.ended).toMatchObject({ code: 0, signal: null });
    await ended;
    expect((await stream).length).toBeGreaterThan(0);
    expect(await statusOf('w')).toBe('completed');
  });

  it('P19 ends with 0 although a handler ignores it and keeps the process busy; its run goes on later', async () => {
    place.write('runchart.config.json', '{"limits": {"drainMs": "100ms"}}');
    const { server } = await serving('() => new Promise(() => setInterval(() => {}, 1000))');
    expect(await server.kill('SIGTERM')).toMatchObject({ code: 0, signal: null });
    expect(await statusOf('w')).toBe('running');
  });
});

describe('a configuration', () => {
  it('that is wrong stops the server before it begins, with the places of all faults', async () => {
    place.write('runchart.config.yaml', 'server: { port: many }\nlog: { levle: info }\n');
    const { code, stderr } = await place.cli('serve', '--log-format', 'xml');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^config-invalid/);
    expect(stderr).toMatch(/server\.port in .*runchart\.config\.yaml expected whole number/);
    expect(stderr).toMatch(/log\.levle in .*there is no such setting.*log\.level/);
    expect(stderr).toMatch(/--log-format expected `json`, `text`/);
  });

  it('is printed with its sources', async () => {
    place.write('runchart.config.yaml', 'log: { level: info }\n');
    const { stdout } = await place.cli('config');
    expect(stdout).toMatch(/log\.level +info +log\.level in /);
    expect(stdout).toMatch(/server\.port +4747 +default/);
    expect(stdout).toMatch(/database +\S+ +RUNCHART_DB/);
  });
});

describe('backup and restore', () => {
  it('S235 take place beside a server, and the copy can be read as the original', async () => {
    const { url } = await serving('() => "done"');
    expect((await fetch(`${url}/runs/w`)).status).toBe(200);
    const made = await place.cli('backup', 'copy');
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/1 runs, .*verified/) });
    expect((await place.cli('backup', 'copy')).stderr).toMatch(/^backup-exists/);
    const there = join(place.folder, 'there.db');
    expect((await place.cli('restore', 'copy', '--db', there)).code).toBe(0);
    expect((await place.cli('restore', 'copy', '--db', there)).stderr).toMatch(/^database-exists/);
    expect((await place.cli('runs', '--db', there)).stdout).toContain('w');
    expect((await place.cli('doctor', '--db', there)).code).toBe(0);
  });
});

describe('bulk', () => {
  it('S238 says which runs it would hit, and hits them where that is wanted, by way of the server', async () => {
    const { url } = await serving('() => new Promise(() => {})');
    const body = JSON.stringify({ plan: 'work', id: 'other', metadata: { team: 'red' } });
    await fetch(`${url}/runs`, { method: 'POST', headers: JSON_TYPE, body });
    const words = ['bulk', 'cancel', '--metadata', '{"team": "red"}', '--reason', 'tidying'];
    const shown = await place.cli(...words);
    expect(shown).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^other[\s\S]*1 runs would be hit/m),
    });
    expect((await place.cli(...words, '--yes')).stdout).toBe('other done\n1 done, 0 refused\n');
    expect(await statusOf('w')).toBe('running');
    expect((await place.cli('bulk', 'cancel')).stderr).toMatch(/has to say which runs/);
  });
});
