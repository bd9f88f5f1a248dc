import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeadLetter, Webhook } from '../../src/index.js';
import { openReceiver } from '../delivery/support/real-receiver.js';
import { Workplace } from './support/workplace.js';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.leave());

const webhook = (...words: string[]) => place.cli('webhook', ...words);

describe('webhook', () => {
  it('S221 adds, lists, shows, changes, rotates and removes without a server', async () => {
    const added = await webhook('add', 'https://example.com/in', '--id', 'a', '--types', 'run.*');
    expect([added.code, added.stdout]).toEqual([0, expect.stringMatching(/^whsec_\S+\n$/)]);
    const { stdout } = await webhook('list');
    expect(stdout).toMatch(/^WEBHOOK .*\na +run\.\* +enabled +0 +https:\/\/example\.com\/in/);
    const changed = await webhook('update', 'a', '--disable', '--metadata', '{"team":"x"}');
    expect(changed.stdout).toBe('webhook a is disabled (by-request)\n');
    const shown = JSON.parse((await webhook('show', 'a')).stdout) as Webhook;
    expect(shown).toMatchObject({ types: ['run.*'], metadata: { team: 'x' } });
    expect((await webhook('remove', 'a')).code).toBe(0);
    const refused = await webhook('add', 'http://127.0.0.1/');
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('webhook-invalid')]);
  });

  it('S121 S221 through a server: deliveries, a test, dead letters and what is done about them', async () => {
    const receiver = await openReceiver();
    const options = '{ allowPrivate: ["127.0.0.1"], maxTries: 1 }';
    const handlers = place.write(
      'work.mjs',
      `export default { work: () => "done" }; export const webhooks = ${options};`,
    );
    const nodes = 'nodes: [{ kind: action, id: only, handler: work }]\nedges: []\n';
    const plan = place.write('work.yaml', `title: Work\n${nodes}`);
    const { url } = await place.serve(plan, '--handlers', handlers);
    await webhook('add', receiver.url, '--id', 'w', '--types', 'run.completed');
    expect(await webhook('test', 'w')).toMatchObject({ code: 0, stdout: 'accepted with 204\n' });
    receiver.status = 500;
    const headers = { 'content-type': 'application/json' };
    await fetch(`${url}/runs`, { method: 'POST', headers, body: '{"plan":"work"}' });
    const list = async () => {
      const answer = await fetch(`${url}/webhooks/w/dead-letters`);
      return ((await answer.json()) as { deadLetters: DeadLetter[] }).deadLetters;
    };
    let letters = await list();
    while (letters.length === 0) letters = await list();
    const [{ message } = { message: '' }] = letters;
    expect((await webhook('dead-letters', 'w')).stdout).toMatch(
      new RegExp(`${message} +\\S+ +run\\.completed .* the answer was 500`),
    );
    receiver.status = 200;
    expect((await webhook('redeliver', 'w', message)).code).toBe(0);
    expect(await list()).toEqual([]);
    expect((await webhook('discard', 'w', message)).stderr).toContain('dead-letter-unknown');
  });
});
