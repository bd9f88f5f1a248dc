import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { numbersOf, STREAM } from '../http/support/site.js';
import { upTo } from '../support/numbers.js';
import { AUDIT_HANDLERS, AUDIT_PLAN, Workplace } from './support/workplace.js';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
  place.addDocuments();
});
afterEach(() => place.leave());

const JSON_TYPE = { 'content-type': 'application/json' };

function startAudit(url: string, id: string, pauseMs: number): Promise<Response> {
  const body = JSON.stringify({ plan: 'audit', id, input: { pauseMs } });
  return fetch(`${url}/runs`, { method: 'POST', headers: JSON_TYPE, body });
}

async function show(id: string) {
  return JSON.parse((await place.cli('show', id, '--json')).stdout);
}

/** A server whose one handler works until SIGTERM comes, and then `afterwards`. */
function serveWork(afterwards: string) {
  const plan = place.write(
    'work.yaml',
    'title: Work\nnodes: [{ kind: action, id: only, handler: work }]\nedges: []\n',
  );
  const module = place.write(
    'work.mjs',
    `export const handlers = { work: () => new Promise((done) => process.once('SIGTERM', () => ${afterwards})) };`,
  );
  return place.serve(plan, '--handlers', module);
}

describe('serve', () => {
  it('says where it is, that it is loopback only, and what it offers', async () => {
    const { server, url } = await place.serveAudit();
    expect(new URL(url).hostname).toBe('127.0.0.1');
    await server.says(/listens on loopback and asks for no token/);
    await server.says(/Plans: audit/);
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });

  it('drains on SIGTERM: the handler finishes, streams end, the exit code is 0', async () => {
    const { server, url } = await serveWork('setImmediate(done, "done")');
    const body = JSON.stringify({ plan: 'work', id: 'w' });
    await fetch(`${url}/runs`, { method: 'POST', headers: JSON_TYPE, body });
    const stream = numbersOf(await fetch(`${url}/runs/w/events`, { headers: STREAM }));
    expect(await server.kill('SIGTERM')).toMatchObject({ code: 0, signal: null });
    const seen = await stream;
    expect(seen).toEqual(upTo(seen.length));
    expect(await show('w')).toMatchObject({
      status: 'completed',
      nodes: [{ status: 'completed', output: 'done' }],
    });
  });

  it('ends at once on a second SIGTERM, and loses nothing', async () => {
    const { server, url } = await serveWork('{}');
    const body = JSON.stringify({ plan: 'work', id: 'w' });
    await fetch(`${url}/runs`, { method: 'POST', headers: JSON_TYPE, body });
    server.process.kill('SIGTERM');
    await server.says(/once more ends it at once/);
    expect(await server.kill('SIGTERM')).toMatchObject({ code: 143 });
    expect((await show('w')).nodes).toMatchObject([{ status: 'running', attempt: 1 }]);
  });

  it('goes on with a run after kill -9, while the command that started it follows on', async () => {
    const { server } = await place.serveAudit();
    const following = place.start('run', AUDIT_PLAN, '--id', 'k', '--input', '{"pauseMs": 600000}');
    for (const done of ['headings', 'lines', 'words', 'markers']) {
      await following.says(new RegExp(`node\\.completed ${done}`));
    }
    expect(await server.kill('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });

    await place.serveAudit();
    expect(await following.ended).toMatchObject({ code: 3 });
    const answered = await place.cli('respond', 'k', '--approve', '--as', 'ada');
    expect(answered).toMatchObject({ code: 0, stdout: expect.stringContaining('approved') });
    const { code, stdout } = await place.cli('events', 'k', '--follow', '--json');
    const types = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).type);
    expect(code).toBe(0);
    expect(types.filter((type) => type === 'attempt.interrupted')).toHaveLength(1);
    expect(types.slice(-3), stdout).toContain('run.completed');
    expect(types.at(-1)).toBe('run.completed');
  });

  it('leaves its runs to the command line when it is gone, handlers included', async () => {
    const { server, url } = await place.serveAudit();
    await startAudit(url, 'left', 0);
    expect((await place.cli('events', 'left')).code).toBe(0);
    await server.kill('SIGTERM');
    expect((await place.cli('resume', 'left')).code).toBe(3);
    expect((await place.cli('respond', 'left', '--approve')).code).toBe(0);
  });

  it('carries what the command line changes while it owns the database', async () => {
    const { url } = await place.serveAudit();
    await startAudit(url, 'r', 600_000);
    expect((await place.cli('pause', 'r')).stdout).toBe('run r is paused\n');
    expect((await place.cli('resume', 'r')).stdout).toContain(`goes on in the server at ${url}`);
    expect((await place.cli('cancel', 'r')).stdout).toContain('run r is being cancelled');
    expect((await place.cli('events', 'r', '--follow')).stdout).toMatch(/run\.cancelled/);
    expect(await place.cli('cancel', 'none')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('run-unknown'),
    });
  });

  it('refuses a second owner, and names the first', async () => {
    const { server } = await place.serveAudit();
    const second = await place.cli(
      'serve',
      AUDIT_PLAN,
      '--handlers',
      AUDIT_HANDLERS,
      '--port',
      '0',
    );
    expect(second).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`process ${server.process.pid}`),
    });
  });

  it('is not asked to run a plan that it does not offer', async () => {
    await place.serveAudit();
    const other = place.write('other.yaml', 'title: Other\nsteps: [{ uses: work }]\n');
    const module = place.write('other.mjs', 'export default { work: () => 1 };');
    const { code, stderr } = await place.cli('run', other, '--handlers', module);
    expect([code, stderr]).toEqual([2, expect.stringContaining('does not offer this plan')]);
  });

  it('says that its port is taken', async () => {
    const { url } = await place.serveAudit();
    const { port } = new URL(url);
    const { code, stderr } = await place.cli('serve', '--db', 'second.db', '--port', port);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`port ${port} is taken`)]);
  });
});

describe('a database that another run owns', () => {
  it('can be read, and changes are refused with the process to wait for', async () => {
    const words = ['run', AUDIT_PLAN, '--handlers', AUDIT_HANDLERS, '--id', 'a'];
    const running = place.start(...words, '--input', '{"pauseMs": 600000}');
    await running.says(/node\.started links/);
    expect((await show('a')).status).toBe('running');
    const { code, stderr } = await place.cli('cancel', 'a');
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^database-owned[\\s\\S]*process ${running.process.pid}`));
  });
});
