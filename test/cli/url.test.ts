/** Commands that speak to a server by its address, with no database of their own. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plan } from '../../src/plan/builder.js';
import { openSite, type Site } from '../http/support/site.js';
import { Workplace } from './support/workplace.js';

const draft = plan('Asks')
  .action('draft', { handler: 'draft' })
  .approval('gate', { responders: ['ada'] })
  .sequence('draft', 'gate')
  .build();

let site: Site;
let place: Workplace;
beforeAll(async () => {
  place = new Workplace();
  const work = () => ({ ok: true, artifacts: [{ name: 'page', kind: 'text', payload: 'hello' }] });
  site = await openSite({ draft: work }, { plans: { asks: { plan: draft } } });
});
afterAll(async () => {
  await site.close();
  await place.leave();
});

/** A command in an empty folder, which has nothing to do with the database of the server. */
async function cli(...words: string[]) {
  const ended = await place.cli(...words, '--url', site.url);
  expect(existsSync(join(place.folder, 'runs.db')), words.join(' ')).toBe(false);
  return ended;
}

describe('a command with --url', () => {
  it('starts a run of a plan on offer, and follows it until somebody is asked', async () => {
    const { code, stdout, stderr } = await cli('run', 'asks', '--id', 'r1');
    expect(code, stderr).toBe(3);
    expect(stderr).toContain(`carried by the server at ${site.url}`);
    expect(stdout).toContain('run r1 is awaiting-human');
    expect(stdout).toContain(`--url ${site.url}`);
  });

  it('starts one of a plan in a file that the server offers, and none of another', async () => {
    const file = place.write('asks.json', JSON.stringify(draft));
    expect((await cli('run', file, '--id', 'r2')).code).toBe(3);
    const other = place.write('other.json', JSON.stringify({ ...draft, title: 'Other' }));
    expect(await cli('run', other)).toMatchObject({ code: 2 });
    const none = await cli('run', 'none');
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('plan-unknown')]);
  });

  it('lists, shows, explains and answers, as beside the database', async () => {
    const runs = await cli('runs', '--json');
    expect(JSON.parse(runs.stdout)).toMatchObject({
      runs: [{ id: 'r2', title: 'Asks' }, { id: 'r1' }],
    });
    expect((await cli('show', 'r1')).stdout).toContain('run r1 of "Asks" is awaiting-human');
    expect((await cli('show', 'r1', '--node', 'draft')).stdout).toMatch(/1 +1 .* completed +\{\}/);
    expect((await cli('show', 'r1', '--node', 'gate')).stdout).toContain('no attempts');
    expect((await cli('why', 'r1', 'gate')).stdout).toContain('gate');
    expect((await cli('tasks', '--run', 'r1')).stdout).toContain('respond');
    const refused = await cli('respond', 'r1', '--approve', '--as', 'bob');
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining('responder-refused'),
    ]);
    const answered = await cli('respond', 'r1', '--approve', '--as', 'ada');
    expect([answered.code, answered.stdout]).toEqual([0, expect.stringContaining('approved')]);
    await site.orchestrator.result('r1');
    expect((await cli('artifact', 'r1', 'page')).stdout).toContain('hello');
    const exported = await cli('export', 'r1');
    expect(exported.stdout.split('\n')[0]).toContain('"r1"');
  });

  it('follows events over the stream to the end of the run', async () => {
    const following = place.start('events', 'r2', '--follow', '--json', '--url', site.url);
    await cli('cancel', 'r2', '--reason', 'enough');
    const { code, stdout } = await following.ended;
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; seq: number });
    expect(code).toBe(0);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.at(-1)?.type).toBe('run.cancelled');
  });

  it('examines the runs of the server, and no database of its own', async () => {
    const { code, stdout, stderr } = await cli('doctor', '--json');
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ checks: [], runs: 2, unrestorable: [], damaged: [] });
  });

  it('says what is wrong with an address, and that nobody is there', async () => {
    expect(await place.cli('runs', '--url', 'nowhere')).toMatchObject({ code: 2 });
    expect(await place.cli('runs', '--url', site.url, '--db', 'x')).toMatchObject({ code: 2 });
    const nobody = await place.cli('show', 'r1', '--url', 'http://127.0.0.1:1');
    expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringContaining('owner-unreachable')]);
    const unknown = await cli('show', 'none');
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('run-unknown')]);
  });
});
