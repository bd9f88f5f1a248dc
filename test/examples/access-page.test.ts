/** Does what docs/access.md says: each of its examples runs, and is what the page says of it. */
import { readFileSync } from 'node:fs';
import { expect, it, onTestFinished, vi } from 'vitest';
import { parse } from 'yaml';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { plan as build } from '../../src/plan/builder.js';
import type { Plan } from '../../src/plan/schema.js';
import { Workplace } from '../cli/support/workplace.js';
import { temporaryDatabase } from '../support/temporary.js';

const page = readFileSync(new URL('../../docs/access.md', import.meta.url), 'utf8');

function blocks(language: string): string[] {
  return [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, found]) => found === language)
    .map(([, , text = '']) => text);
}

const approval = build('Ask')
  .approval('ask', { responders: ['ann'] })
  .build();

async function open(): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator({ url: temporaryDatabase(), handlers: {} });
  onTestFinished(() => orchestrator.close());
  return orchestrator;
}

/** Runs a program of the page, which has `given` by these names; gives what it calls `wanted`. */
async function run<T>(program: string, given: Record<string, unknown>, wanted: string): Promise<T> {
  const names = Object.keys(given);
  const text = `return (async () => { ${program}\nreturn ${wanted}; })();`;
  return (await new Function(...names, text)(...names.map((name) => given[name]))) as T;
}

it('the commands make a token, serve beyond loopback, ask with it, and print the audit', async () => {
  const place = new Workplace();
  onTestFinished(() => place.leave());
  place.write('plan.yaml', JSON.stringify(approval));
  place.write('handlers.mjs', 'export default { none: () => null };\n');
  const [commands = '', audit = '', ...others] = blocks('sh');
  expect(others).toEqual([]);
  const wordsOf = (line: string) => line.replace(/#.*/, '').trim().split(/\s+/);
  const [create = '', serve = '', ask = ''] = commands.trim().split('\n');
  const made = await place.cli(...wordsOf(create).slice(2));
  const token = made.stdout.trim();
  expect(token).toMatch(/^rct_\w+/);
  const { url } = await place.serve(...wordsOf(serve).slice(3));
  const [, header = '', address = ''] =
    /^curl -H "authorization: (.*)" (http:\S+)$/.exec(ask.trim()) ?? [];
  const asked = new URL(address);
  asked.port = new URL(url).port;
  const authorization = header.replace('$RUNCHART_TOKEN', token);
  const answer = await fetch(asked, { headers: { authorization } });
  expect([answer.status, await answer.json()]).toEqual([200, { runs: [] }]);
  expect((await fetch(asked)).status).toBe(401);
  vi.stubEnv('RUNCHART_TOKEN', token);
  onTestFinished(() => void vi.unstubAllEnvs());
  const told = await place.cli(...wordsOf(audit).slice(2));
  expect(told.code, told.stderr).toBe(0);
});

it('a token is made for the principal, the roles and the tenant that the program says', async () => {
  const orchestrator = await open();
  const [program = ''] = blocks('ts');
  const secret = await run<string>(program, { orchestrator }, 'secret');
  const session = await orchestrator.access.authenticate(secret);
  expect(session).toMatchObject({
    ...{ tenant: 'acme', roles: ['operator', 'responder'] },
    principal: { name: 'ada', groups: ['editors'] },
  });
});

it('a run of a tenant has the id that the comment says, and is seen by nobody else', async () => {
  const orchestrator = await open();
  const [, program = ''] = blocks('ts');
  const [, id] = /run\.id is (\S+)/.exec(program) ?? [];
  const started = await run<{ id: string }>(program, { orchestrator, plan: approval }, 'run');
  expect(started.id).toBe(id);
  expect(await orchestrator.forTenant('globex').runs.list()).toEqual([]);
});

it('a link answers its task once', async () => {
  const orchestrator = await open();
  await orchestrator.start(approval, { id: 'r' });
  await orchestrator.settled('r');
  const [task] = await orchestrator.tasks.list();
  const [, , program = ''] = blocks('ts');
  const secret = await run<string>(program, { orchestrator, task }, 'secret');
  await orchestrator.links.answer(secret, { choice: 'approve', comment: '' });
  expect((await orchestrator.result('r')).status).toBe('completed');
  await expect(
    orchestrator.links.answer(secret, { choice: 'approve', comment: '' }),
  ).rejects.toThrow();
});

it('what the plan calls secret is masked in what is shown', async () => {
  const orchestrator = await open();
  const [text = ''] = blocks('yaml');
  const drafted = { ...approval, ...parse(text) } as Plan;
  const input = { user: 'ann', password: 'correct horse' };
  await orchestrator.start(drafted, { id: 'r', input });
  const { inputs } = await orchestrator.runs.details('r');
  expect(inputs).toEqual({ user: 'ann', password: '[secret]' });
});
