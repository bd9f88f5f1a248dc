import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PlanCatalog } from '../../src/http/plan-catalog.js';
import { pageOf, shown } from '../../src/mcp/bounded.js';
import { createMcpServer } from '../../src/mcp/mcp-server.js';
import type { Caller, ToolHost } from '../../src/mcp/tool.js';
import { TOOLS } from '../../src/mcp/tools.js';
import { openSite, type Site } from '../http/support/site.js';
import '../support/seed.js';
import { Agent } from './support/agent.js';

let site: Site;
beforeAll(async () => {
  site = await openSite({ write: () => 'written' });
});
afterAll(() => site.close());

async function connect(caller: Partial<Caller> = {}) {
  const faults: unknown[] = [];
  const host: ToolHost = site.orchestrator;
  const plans = new PlanCatalog({}, site.orchestrator);
  const [here, there] = InMemoryTransport.createLinkedPair();
  const server = createMcpServer({
    version: '1',
    callerOf: () => ({ host, plans, ...caller }),
    onInternalError: (error) => faults.push(error),
  });
  await server.connect(there);
  return { agent: await Agent.connect(here), faults };
}

describe('tools', () => {
  it('S192 S225 tell a model what they are for, take and change', async () => {
    const { agent } = await connect();
    const { tools } = await agent.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(TOOLS.map(({ name }) => name));
    for (const { name, description = '', inputSchema, outputSchema, annotations } of tools) {
      expect(name).toMatch(/^[a-z_]{3,30}$/);
      expect(description.length, name).toBeGreaterThan(30);
      expect(inputSchema, name).toMatchObject({ type: 'object', additionalProperties: false });
      expect(outputSchema?.required).toEqual(['action', 'message', 'status', 'hasPlan']);
      expect(annotations?.readOnlyHint && annotations.destructiveHint, name).toBe(false);
    }
    // All of it goes into the context of a model.
    expect(JSON.stringify(tools).length).toBeLessThan(60_000);
  });

  it('S225 let a reader read and a worker work', () => {
    for (const { name, role, changes } of TOOLS) {
      if (role === 'reader') expect(changes, name).toBe('nothing');
      if (changes !== 'nothing') expect(['operator', 'worker'], name).toContain(role);
    }
  });

  it('S192 answer in one shape, whatever they are given, and never with what is inside', async () => {
    const { agent, faults } = await connect();
    const keys = TOOLS.flatMap(({ input }) => Object.keys(input.shape));
    const given = fc.dictionary(fc.constantFrom(...keys, '__proto__'), fc.jsonValue(), {
      maxKeys: 5,
    });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...TOOLS), given, async ({ name }, args) => {
        const { result, isError } = await agent.try(name, args);
        expect(result).toMatchObject({
          action: name,
          message: expect.any(String),
          status: expect.any(String),
          hasPlan: expect.any(Boolean),
        });
        if (isError) expect(result.error).toMatchObject({ code: expect.any(String) });
        expect(JSON.stringify(result)).not.toMatch(/node_modules|\.ts:\d|at async/);
      }),
      { numRuns: 300 },
    );
    expect(faults).toEqual([]);
  });

  it.each([
    ['read_run', { run: 'none' }, { code: 'run-unknown', hint: 'list the runs to see their ids' }],
    ['read_run', { run: 7 }, { code: 'argument-invalid', issues: [{ path: '/run' }] }],
    ['read_run', { run: 'a', runs: 'b' }, { code: 'argument-invalid', issues: [{ path: '' }] }],
    ['read_plan', {}, { code: 'argument-invalid' }],
    ['submit_plan', { plan: 'none' }, { code: 'plan-unknown' }],
    ['submit_plan', { plan: { title: 'T', nodes: [] } }, { code: 'plan-invalid' }],
    [
      'submit_plan',
      { plan: {}, metadata: { 'runchart.handlers': 'evil.mjs' } },
      { code: 'argument-invalid', issues: [{ path: '/metadata' }] },
    ],
    ['submit_work', { token: 'none' }, { code: 'argument-invalid' }],
    ['claim_work', { capabilities: [], waitMs: 9e9 }, { code: 'argument-invalid' }],
    ['ask_person', { question: '?', kind: 'decision' }, { code: 'argument-invalid' }],
    ['ask_person', { question: '?', answerSchema: { type: 7 } }, { code: 'plan-invalid' }],
    ['why', { run: 'none', node: 'a' }, { code: 'run-unknown' }],
  ])('S192 S225 refuse %s of %j as an error with a stable code', async (name, args, expected) => {
    const { agent } = await connect();
    expect(await agent.refused(name, args)).toMatchObject(expected);
  });

  it('S225 take a stored version by its hash, wherever they take a plan', async () => {
    const { agent } = await connect();
    const { orchestrator } = site;
    const plan = { title: 'Kept', nodes: [{ id: 'a', kind: 'signal', signal: 'go' }], edges: [] };
    const { hash } = await orchestrator.plans.store(plan as never);
    expect(await agent.call('read_plan', { hash })).toMatchObject({ plan: { title: 'Kept' } });
    for (const name of ['validate_plan', 'simulate_plan']) {
      expect(await agent.call(name, { plan: hash })).toMatchObject({ plan: { hash } });
    }
    const { run, created } = await agent.call('submit_plan', { plan: hash, idempotencyKey: 'h' });
    expect(created).toBe(true);
    expect(await orchestrator.runs.summary(run)).toMatchObject({ plan: hash });
    const change = { ...plan, nodes: [...plan.nodes, { id: 'b', kind: 'sleep', duration: '1d' }] };
    const { hash: other } = await orchestrator.plans.store(change as never);
    const replanned = await agent.call('replan', { run, plan: other });
    expect(replanned).toMatchObject({ plan: { hash: other }, added: { nodes: ['b'] } });
    await agent.call('cancel_run', { run });
  });

  it('S225 take no version that another tenant has stored', async () => {
    const plan = { title: 'Theirs', nodes: [{ id: 'a', kind: 'signal', signal: 'x' }], edges: [] };
    const [acme, globex] = ['acme', 'globex'].map((name) => site.orchestrator.forTenant(name));
    const stored = await acme?.plans.store(plan as never);
    const { agent } = await connect({ host: globex as ToolHost });
    for (const name of ['validate_plan', 'simulate_plan', 'submit_plan']) {
      expect(await agent.refused(name, { plan: stored?.hash })).toMatchObject({
        code: 'plan-unknown',
      });
    }
  });

  it('S225 show no more of many issues than a model can take', async () => {
    const { agent } = await connect();
    const nodes = Array.from({ length: 500 }, () => ({ id: 'a', kind: 'none' }));
    const checked = await agent.call('validate_plan', { plan: { title: 'T', nodes, edges: [] } });
    expect(checked.issues).toHaveLength(20);
    expect(checked.issueCount).toBeGreaterThan(20);
  });

  it('S225 take no arguments that are too deep or too large', async () => {
    const { agent } = await connect();
    const deep = JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`);
    const plan = { title: 'T', nodes: [], edges: [], deep };
    expect(await agent.refused('validate_plan', { plan })).toMatchObject({
      code: 'argument-invalid',
    });
    const large = { plan: { title: 'x'.repeat(1_100_000) } };
    expect(await agent.refused('validate_plan', large)).toMatchObject({ code: 'argument-invalid' });
  });

  it('S225 say of a fault inside that it is one, and no more', async () => {
    const offers = () => {
      throw new Error('the password is 1234');
    };
    const { agent, faults } = await connect({ host: { work: { offers } } as unknown as ToolHost });
    const error = await agent.refused('list_work');
    expect(error).toMatchObject({ code: 'internal', retryable: false });
    expect(JSON.stringify(error)).not.toContain('1234');
    expect(faults).toMatchObject([{ message: 'the password is 1234' }]);
  });

  it('S225 are not called by whom they are not for', async () => {
    const { agent } = await connect({ mayCall: (role) => role === 'reader' });
    for (const { name, role } of TOOLS) {
      const { result, isError } = await agent.try(name, {});
      const isRefused = isError && result.error.code === 'role-refused';
      expect([name, isRefused]).toEqual([name, role !== 'reader']);
    }
  });

  it('S225 are refused where too many calls are under way', async () => {
    const freed: (() => void)[] = [];
    const claim = () => new Promise((resolve) => freed.push(() => resolve([])));
    const { agent } = await connect({ host: { work: { claim } } as unknown as ToolHost });
    const calls = Array.from({ length: 64 }, () =>
      agent.call('claim_work', { capabilities: ['a'] }),
    );
    while (freed.length < 64) await new Promise(setImmediate);
    expect(await agent.refused('list_work')).toMatchObject({ code: 'overloaded', retryable: true });
    for (const free of freed) free();
    expect(await Promise.all(calls)).toHaveLength(64);
  });

  it('is no tool: a call of it is an error of the protocol', async () => {
    const { agent } = await connect();
    const client: Client = agent.client;
    await expect(client.callTool({ name: 'rm', arguments: {} })).rejects.toThrow('no tool "rm"');
  });
});

describe('what is bounded', () => {
  it('S225 is whole when all of its parts are read', () => {
    const unit = fc.string({ unit: 'grapheme', maxLength: 200 });
    fc.assert(
      fc.property(unit, fc.integer({ min: 2, max: 20 }), (text, max) => {
        let read = '';
        for (let offset: number | null = 0; offset !== null; ) {
          const part = shown(text, offset, max);
          if ('value' in part) {
            expect(part.value).toBe(text);
            return;
          }
          expect(part.text.length).toBeLessThanOrEqual(max);
          expect(part.text.isWellFormed()).toBe(true);
          read += part.text;
          offset = part.nextOffset;
        }
        expect(read).toBe(text);
      }),
    );
  });

  it('S225 has pages that are never empty, nor larger than their limit and one entry', () => {
    const entries = fc.array(fc.string({ maxLength: 12_000, minLength: 1 }), { maxLength: 20 });
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 25 }), (all, limit) => {
        const page = pageOf(all, limit);
        expect(page.entries.length).toBeLessThanOrEqual(limit);
        expect(page.entries).toEqual(all.slice(0, page.entries.length));
        expect(page.hasMore).toBe(page.entries.length < all.length);
        if (all.length > 0) expect(page.entries.length).toBeGreaterThan(0);
        const chars = page.entries.reduce((sum, entry) => sum + JSON.stringify(entry).length, 0);
        if (page.entries.length > 1) expect(chars).toBeLessThanOrEqual(24_000);
      }),
    );
  });
});
