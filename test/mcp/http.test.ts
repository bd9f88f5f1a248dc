import { afterEach, describe, expect, it } from 'vitest';
import { external } from '../../src/actors/external-handler.js';
import { openSite, type Site } from '../http/support/site.js';
import { Agent, workThrough } from './support/agent.js';

let site: Site;
const agents: Agent[] = [];
afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.leave()));
  await site.close();
});

async function connect(): Promise<Agent> {
  const agent = await Agent.overHttp(site.url);
  agents.push(agent);
  return agent;
}

describe('an agent over HTTP', () => {
  it('S225 submits a plan, claims and submits its work, asks people, replans and reads why', async () => {
    site = await openSite({ write: external() });
    const { orchestrator } = site;
    await workThrough(await connect(), (task, response) =>
      orchestrator.respond(task, { response: response as string, responder: 'ada' }),
    );
  });
});
