import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterEach, expect, it } from 'vitest';
import type { TokenRole } from '../../src/access/roles.js';
import { external } from '../../src/actors/external-handler.js';
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
  const reader = await site.token('acme', ['reader']);
  expect((await site.ask('POST', '/mcp', { token: reader, body: {} })).status).toBe(403);
});
