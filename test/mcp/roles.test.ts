import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterEach, describe, expect, it } from 'vitest';
import { holdsRole, type TokenRole } from '../../src/access/roles.js';
import { external } from '../../src/actors/external-handler.js';
import { TOOLS } from '../../src/mcp/tools.js';
import { type Guarded, openGuarded } from '../access/support/guarded.js';
import { Agent, REVIEW } from './support/agent.js';

let site: Guarded;
const agents: Agent[] = [];
afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.leave()));
  await site.close();
});

async function connect(tenant: string, roles: readonly TokenRole[]): Promise<Agent> {
  const token = await site.token(tenant, roles, roles.join());
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  const transport = new StreamableHTTPClientTransport(new URL('/mcp', site.url), { requestInit });
  const agent = await Agent.connect(transport);
  agents.push(agent);
  return agent;
}

/** The audit of acme, newest first. Nobody waits for records on their way, but they are stored in order. */
async function recorded() {
  await site.orchestrator.once('behind', {}, async () => null);
  return site.orchestrator.audit.list({ tenant: 'acme' });
}

it('S225 an agent calls the tools that its token has the role for, on what its tenant sees', async () => {
  site = await openGuarded({ write: external() });
  const operator = await connect('acme', ['operator']);
  await operator.call('submit_plan', { plan: REVIEW, id: 'r1' });
  const worker = await connect('acme', ['worker']);
  expect(await worker.refused('list_runs')).toMatchObject({ code: 'role-refused' });
  expect(await worker.refused('cancel_run', { run: 'r1' })).toMatchObject({ code: 'role-refused' });
  const elsewhere = await connect('other', ['operator']);
  expect((await elsewhere.call('list_runs')).runs).toEqual([]);
  expect(await elsewhere.refused('read_run', { run: 'acme~r1' })).toMatchObject({
    code: 'run-unknown',
  });
  expect((await operator.call('list_runs')).runs).toMatchObject([{ run: 'acme~r1' }]);
  expect((await site.ask('POST', '/mcp', { body: {} })).status).toBe(401);
  const responder = await site.token('acme', ['responder']);
  expect((await site.ask('POST', '/mcp', { token: responder, body: {} })).status).toBe(403);
});

describe.each(['reader', 'operator', 'worker', 'admin'] as const)(
  'a token that is %s alone',
  (role) => {
    const holder = { tenant: 'acme', roles: [role] };
    const own = TOOLS.filter((tool) => holdsRole(holder, tool.role)).map(({ name }) => name);

    it('S197 S225 is shown its tools and no other, calls them, and is refused every other', async () => {
      site = await openGuarded({ write: external() });
      const agent = await connect('acme', [role]);
      const { tools } = await agent.client.listTools();
      expect(tools.map(({ name }) => name)).toEqual(own);
      expect(own.length).toBeGreaterThan(0);
      for (const { name } of TOOLS) {
        const { result } = await agent.try(name, { run: 'nobody' });
        const { code = 'none' } = result.error ?? {};
        if (own.includes(name)) expect(code, name).not.toBe('role-refused');
        else expect(code, name).toBe('role-refused');
      }
    });

    it('S197 leaves a record of each call that is to change something, by its tool', async () => {
      site = await openGuarded({ write: external() });
      const agent = await connect('acme', [role]);
      for (const { name } of TOOLS) await agent.try(name, { run: 'nobody' });
      const changing = TOOLS.filter(({ changes }) => changes !== 'nothing');
      const audit = await recorded();
      const records = new Map(audit.map((record) => [record.action, record]));
      expect([...records.keys()].sort()).toEqual(changing.map(({ name }) => `tool ${name}`).sort());
      for (const { name } of changing) {
        expect(records.get(`tool ${name}`), name).toMatchObject({
          ...{ principal: role, tenant: 'acme', target: 'nobody', address: expect.any(String) },
          ...(own.includes(name)
            ? { status: expect.any(Number) }
            : { status: 403, code: 'role-refused' }),
        });
      }
    });
  },
);

it('S197 S225 a call that did what it was to do has its record before the log of the run has it', async () => {
  site = await openGuarded({ write: external() });
  const agent = await connect('acme', ['operator']);
  await agent.call('submit_plan', { plan: REVIEW, id: 'r1' });
  await agent.call('cancel_run', { run: 'r1' });
  const [cancel, submit] = await recorded();
  expect(submit).toMatchObject({ action: 'tool submit_plan', status: 200, code: null });
  expect(cancel).toMatchObject({ action: 'tool cancel_run', target: 'r1', status: 200 });
  const events = await site.orchestrator.runs.events('acme~r1');
  const cancelled = events.find(({ type }) => type === 'run.cancel-requested');
  expect(cancel?.at).toBeLessThanOrEqual(cancelled?.at ?? 0);
});

it('S197 a token that is refused at the endpoint leaves a record of that', async () => {
  site = await openGuarded({});
  const responder = await site.token('acme', ['responder']);
  await site.ask('POST', '/mcp', { token: responder, body: {} });
  expect(await recorded()).toMatchObject([
    { action: 'POST /mcp', status: 403, code: 'role-refused' },
  ]);
});
