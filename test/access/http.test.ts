import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditView } from '../../src/access/audit-trail.js';
import { TOKEN_ROLES } from '../../src/access/roles.js';
import { createHttpApp } from '../../src/http/app.js';
import { listen } from '../../src/http/server.js';
import { plan } from '../../src/plan/builder.js';
import { bodyOf } from '../http/support/site.js';
import { type Guarded, openGuarded } from './support/guarded.js';

const approval = plan('Ask')
  .approval('ask', { responders: ['ann', 'ada'] })
  .build();
const OFTEN = { perSecond: 10_000, burst: 10_000 };

let site: Guarded;
beforeAll(async () => {
  site = await openGuarded({}, { plans: { ask: { plan: approval } }, rate: OFTEN });
});
afterAll(() => site.close());

/** A write that waits for all before it comes first: outcomes are stored behind the answers. */
async function auditOf(tenant: string): Promise<AuditView[]> {
  await site.orchestrator.access.createToken({ principal: 'last', roles: ['reader'] });
  return [...(await site.orchestrator.audit.list({ tenant }))];
}

/** With headers that fetch does not let anybody set. */
function raw(path: string, method: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(site.url + path, { method, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.on('error', reject);
    asked.end();
  });
}

describe('a server that asks for tokens', () => {
  it('promise 18: tells nobody anything without one, and says so in the standard way', async () => {
    const answered = await site.ask('GET', '/runs');
    expect(answered.status).toBe(401);
    expect(answered.headers.get('www-authenticate')).toBe('Bearer realm="runchart"');
    for (const authorization of ['Bearer', 'Basic YTpi', 'Bearer rct_1_2', 'bearer  x y', 'x']) {
      const refused = await site.ask('GET', '/runs', { headers: { authorization } });
      expect(refused.status, authorization).toBe(401);
    }
    const health = await bodyOf<object>(site.ask('GET', '/health'));
    expect(health).toEqual({ status: 'ok' });
  });

  it('S197 leaves a record of every change that is asked for, refused ones too, and of no read', async () => {
    const operator = await site.token('noted', ['operator'], 'op');
    const reader = await site.token('noted', ['reader'], 'eve');
    const body = { plan: 'ask', id: 'r' };
    expect((await site.ask('POST', '/runs', { token: operator, body })).status).toBe(201);
    expect((await site.ask('POST', '/runs', { token: reader, body })).status).toBe(403);
    await site.ask('POST', '/runs', { token: operator, body: { plan: 'none' } });
    await site.ask('POST', '/runs/r/cancel', { token: operator, body: { reason: 'over' } });
    await site.ask('GET', '/runs/r', { token: reader });
    const records = (await auditOf('noted')).reverse();
    expect(
      records.map(({ principal, action, target, status, code }) => [
        ...[principal, action, target, status, code],
      ]),
    ).toEqual([
      ['op', 'POST /runs', '/runs', 201, null],
      ['eve', 'POST /runs', '/runs', 403, 'role-refused'],
      ['op', 'POST /runs', '/runs', 404, 'plan-unknown'],
      ['op', 'POST /runs/{id}/cancel', '/runs/r/cancel', 200, null],
    ]);
    expect(records.every(({ address }) => address === '127.0.0.1')).toBe(true);
    const unknown = await site.ask('POST', '/runs', { body });
    expect(unknown.status).toBe(401);
    expect((await auditOf(''))[0]).toMatchObject({ principal: null, status: 401 });
  });

  it('S197 puts the name of the token into the log, and refuses another one', async () => {
    const operator = await site.token('signed', ['operator'], 'op');
    const responder = await site.token('signed', ['responder'], 'ann');
    await site.ask('POST', '/runs', { token: operator, body: { plan: 'ask', id: 'r' } });
    const view = site.orchestrator.forTenant('signed');
    await view.settled('r');
    const [task] = await view.tasks.list();
    const path = `/tasks/${task?.id}`;
    const posing = { response: { approved: true }, responder: 'ada' };
    const refused = await site.ask('POST', `${path}/response`, { token: responder, body: posing });
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ code: 'principal-mismatch' });
    await site.ask('POST', `${path}/claim`, { token: responder, body: {} });
    const answer = { response: { approved: false } };
    await site.ask('POST', `${path}/response`, { token: responder, body: answer });
    const events = await view.runs.events('r');
    const named = events.filter(({ type }) => type === 'task.claimed' || type === 'task.responded');
    expect(named.map(({ detail }) => detail.by ?? detail.responder)).toEqual(['ann', 'ann']);
    await site.ask('POST', '/runs/r/skip', { token: operator, body: { node: 'ask' } });
  });

  it('S197 shows a responder the tasks that are his, and no others', async () => {
    const operator = await site.token('his', ['operator'], 'op');
    await site.ask('POST', '/runs', { token: operator, body: { plan: 'ask', id: 'r' } });
    await site.orchestrator.forTenant('his').settled('r');
    const listed = async (name: string) => {
      const token = await site.token('his', ['responder'], name);
      const { tasks } = await bodyOf<{ tasks: { id: string }[] }>(
        site.ask('GET', '/tasks', { token }),
      );
      return { token, tasks };
    };
    const ann = await listed('ann');
    const eve = await listed('eve');
    expect(eve.tasks).toEqual([]);
    const path = `/tasks/${ann.tasks[0]?.id}`;
    expect((await site.ask('GET', path, { token: ann.token })).status).toBe(200);
    for (const asked of [path, `${path}/responses`]) {
      expect((await site.ask('GET', asked, { token: eve.token })).status).toBe(404);
    }
    const others = await site.ask('GET', '/tasks?answerableBy=ann', { token: eve.token });
    expect(others.status).toBe(403);
    expect((await site.ask('GET', '/runs', { token: ann.token })).status).toBe(403);
  });

  it('S197 has an admin of a tenant manage that tenant, and the host all of them', async () => {
    const admin = await site.token('mine', ['admin'], 'boss');
    const host = await site.token('', ['admin'], 'root');
    const asked = { principal: 'new', roles: ['reader'] };
    const made = await bodyOf<{ tenant: string; id: string; createdBy: string; secret: string }>(
      site.ask('POST', '/tokens', { token: admin, body: asked }),
    );
    expect(made).toMatchObject({ tenant: 'mine', createdBy: 'boss' });
    const other = { ...asked, tenant: 'yours' };
    expect((await site.ask('POST', '/tokens', { token: admin, body: other })).status).toBe(403);
    const theirs = await bodyOf<{ id: string }>(
      site.ask('POST', '/tokens', { token: host, body: other }),
    );
    const revoke = (id: string, token: string) =>
      site.ask('POST', `/tokens/${id}/revoke`, { token, body: {} });
    expect((await revoke(theirs.id, admin)).status).toBe(404);
    expect((await revoke(theirs.id, host)).status).toBe(200);
    expect((await site.ask('GET', '/runs', { token: made.secret })).status).toBe(200);
    expect((await revoke(made.id, admin)).status).toBe(200);
    expect((await site.ask('GET', '/runs', { token: made.secret })).status).toBe(401);
    expect((await site.ask('POST', '/trim', { token: admin, body: {} })).status).toBe(403);
    expect((await site.ask('GET', '/audit?tenant=yours', { token: admin })).status).toBe(403);
  });

  it('promise 18: lets no page of another origin in, and tells browsers nothing of sharing', async () => {
    const token = await site.token('', TOKEN_ROLES);
    const authorization = `Bearer ${token}`;
    const origin = 'https://evil.example';
    expect(await raw('/runs', 'GET', { authorization, origin })).toBe(403);
    expect(await raw('/runs', 'GET', { authorization, origin: 'null' })).toBe(403);
    expect(await raw('/runs', 'GET', { authorization, origin: site.url })).toBe(200);
    const preflight = await fetch(`${site.url}/runs`, {
      method: 'OPTIONS',
      headers: { 'access-control-request-method': 'POST' },
    });
    expect(preflight.status).toBe(405);
    const answered = await site.ask('GET', '/runs', { token });
    for (const [name] of answered.headers) expect(name).not.toMatch(/^access-control|set-cookie/);
    const typed = await site.ask('POST', '/runs', {
      token,
      headers: { 'content-type': 'text/plain' },
      body: { plan: 'ask' },
    });
    expect(typed.status).toBe(415);
  });
});

describe('how often somebody may ask', () => {
  it('promise 15: is bounded for each principal alone, and the answer says when to come again', async () => {
    const slow = await openGuarded({}, { rate: { perSecond: 0.05, burst: 5 } });
    const eager = await slow.token('a', ['reader'], 'eager');
    const statuses: number[] = [];
    for (let n = 0; n < 8; n += 1) {
      statuses.push((await slow.ask('GET', '/runs', { token: eager })).status);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
    const answered = await slow.ask('GET', '/runs', { token: eager });
    expect(Number(answered.headers.get('retry-after'))).toBeGreaterThan(1);
    expect(await answered.json()).toMatchObject({ code: 'rate-limited', retryable: true });
    const calm = await slow.token('b', ['reader'], 'eager');
    expect((await slow.ask('GET', '/runs', { token: calm })).status).toBe(200);
    await slow.close();
  });

  it('promise 15: is bounded for a tenant, however many principals its admin makes', async () => {
    const slow = await openGuarded({}, { tenantRate: { perSecond: 0.5, burst: 6 } });
    const tokens: string[] = [];
    for (const name of ['x', 'y', 'z']) tokens.push(await slow.token('a', ['reader'], name));
    const statuses: number[] = [];
    for (const token of [...tokens, ...tokens, ...tokens]) {
      statuses.push((await slow.ask('GET', '/runs', { token })).status);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 429, 429, 429]);
    const other = await slow.token('b', ['reader'], 'x');
    expect((await slow.ask('GET', '/runs', { token: other })).status).toBe(200);
    await slow.close();
  });

  it('promise 18: ends guesses, records few of them, and holds up nobody who has a token', async () => {
    const guessed = await openGuarded({});
    const guess = `rct_${'0'.repeat(16)}_${'A'.repeat(43)}`;
    const statuses = new Set<number>();
    for (let n = 0; n < 60; n += 1) {
      statuses.add((await guessed.ask('POST', '/runs', { token: guess, body: {} })).status);
    }
    expect([...statuses]).toEqual([401, 429]);
    expect((await guessed.orchestrator.audit.list()).length).toBeLessThan(30);
    const token = await guessed.token('', ['reader']);
    expect((await guessed.ask('GET', '/runs', { token })).status).toBe(200);
    await guessed.close();
  });
});

describe('links without a token', () => {
  it('promise 18: end guesses too, record few of them, and let in whoever has a good one', async () => {
    const guessed = await openGuarded({}, { plans: { ask: { plan: approval } } });
    const token = await guessed.token('', ['operator']);
    const start = { token, body: { plan: 'ask', id: 'r' } };
    expect((await guessed.ask('POST', '/runs', start)).status).toBe(201);
    await guessed.orchestrator.settled('r');
    const [task] = await guessed.orchestrator.tasks.list();
    const made = await guessed.orchestrator.tasks.link(task?.id ?? '', { principal: 'ann' });
    const guess = `${guessed.url}/links/rcl_${'0'.repeat(16)}_${'A'.repeat(43)}`;
    const body = new URLSearchParams({ choice: 'approve' });
    const statuses = new Set<number>();
    for (let n = 0; n < 60; n += 1) {
      statuses.add((await fetch(guess, n % 2 === 0 ? {} : { method: 'POST', body })).status);
    }
    expect([...statuses]).toEqual([410, 429]);
    expect((await guessed.orchestrator.audit.list()).length).toBeLessThan(30);
    const good = `${guessed.url}/links/${made.secret}`;
    expect((await fetch(good)).status).toBe(200);
    expect((await fetch(good, { method: 'POST', body })).status).toBe(200);
    await guessed.close();
  });
});

describe('a server on loopback', () => {
  it('promise 18: asks for no token, and believes no wrong one', async () => {
    const open = await openGuarded({}, { tokens: 'optional', plans: { ask: { plan: approval } } });
    const body = { plan: 'ask', id: 'acme~r' };
    expect((await open.ask('POST', '/runs', { body })).status).toBe(201);
    const bad = { headers: { authorization: 'Bearer nonsense' } };
    expect((await open.ask('GET', '/runs', bad)).status).toBe(401);
    const token = await open.token('globex', TOKEN_ROLES);
    expect((await open.ask('GET', '/runs/acme~r', { token })).status).toBe(404);
    expect((await open.ask('GET', '/runs/acme~r')).status).toBe(200);
    const rebound = await fetch(`${open.url}/runs`, {
      headers: { origin: 'https://evil.example' },
    });
    expect(rebound.status).toBe(403);
    await open.close();
  });

  it('promise 18: is the only one without tokens', async () => {
    const app = createHttpApp(site.orchestrator);
    const wide = listen(app, 0, { host: '0.0.0.0' });
    await expect(wide).rejects.toMatchObject({ code: 'argument-invalid' });
    const guarded = createHttpApp(site.orchestrator, { tokens: 'required' });
    const server = await listen(guarded, 0, { host: '0.0.0.0', needsTokens: true });
    expect((await fetch(`${server.url}/runs`)).status).toBe(401);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    const stopped = server.stopListening();
    server.closeConnections();
    await stopped;
  });
});

describe('the page of a link', () => {
  async function linked(name: string, objective = 'Publish?') {
    const operator = await site.token(name, ['operator'], 'op');
    const drafted = plan('Ask')
      .approval('ask', { responders: ['ann'], objective })
      .build();
    const input = { text: '<img src=x onerror=alert(1)>' };
    await site.ask('POST', '/runs', { token: operator, body: { plan: drafted, id: 'r', input } });
    const view = site.orchestrator.forTenant(name);
    await view.settled('r');
    const [task] = await view.tasks.list();
    const body = { principal: 'ann' };
    const made = await site.ask('POST', `/tasks/${task?.id}/links`, { token: operator, body });
    expect(made.status).toBe(201);
    const link = await bodyOf<{ path: string; id: string }>(made);
    return { view, task: task?.id ?? '', ...link };
  }

  const post = (path: string, fields: Record<string, string>) =>
    fetch(site.url + path, { method: 'POST', body: new URLSearchParams(fields) });

  it('S129 promise 8: decides nothing, whoever opens it, and once when it is sent', async () => {
    const { path, view, task, id } = await linked('links');
    for (const method of ['GET', 'HEAD', 'GET', 'HEAD', 'GET']) {
      expect((await fetch(site.url + path, { method })).status).toBe(200);
    }
    expect((await fetch(`${site.url}${path}?choice=approve&comment=x`)).status).toBe(200);
    expect(await view.tasks.get(task)).toMatchObject({ status: 'open' });
    const answered = await post(path, { choice: 'approve', comment: 'ja' });
    expect(answered.status).toBe(200);
    expect(await view.tasks.responses(task)).toMatchObject([
      { responder: 'ann', outcome: 'approved', comment: 'ja' },
    ]);
    expect((await post(path, { choice: 'reject' })).status).toBe(410);
    expect((await fetch(site.url + path)).status).toBe(410);
    const of = async (tenant: string) =>
      (await auditOf(tenant))
        .filter(({ action }) => action.startsWith('POST /links'))
        .map(({ principal, status, target }) => [principal, status, target]);
    expect(await of('links')).toEqual([['ann', 200, `/links/rcl_${id}`]]);
    expect(await of('')).toEqual([[null, 410, `/links/rcl_${id}`]]);
  });

  it('promise 18: has what a plan and a run say as text, runs nothing, and loads nothing', async () => {
    const { path } = await linked('escaped', '</title><script>alert(1)</script> & "more"');
    const answered = await fetch(site.url + path);
    const page = await answered.text();
    expect(page).not.toMatch(/<script|<img|onerror=alert\(1\)>/);
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;');
    const policy = answered.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(answered.headers.get('referrer-policy')).toBe('no-referrer');
    expect(answered.headers.get('cache-control')).toBe('no-store');
    expect(page).not.toMatch(/<\w[^>]*\s(src|href)=/);
  });

  it('promise 18: is not there for a guess, and takes nothing but a form', async () => {
    const { path } = await linked('guessed');
    const guess = `${path.slice(0, -1)}${path.endsWith('A') ? 'B' : 'A'}`;
    const refused = await fetch(site.url + guess);
    expect(refused.status).toBe(410);
    expect((await post(guess, { choice: 'approve' })).status).toBe(410);
    expect((await post(path, { choice: 'fly' })).status).toBe(400);
    const json = await site.ask('POST', path, { body: { choice: 'approve' } });
    expect(json.status).toBe(415);
    const large = await post(path, { choice: 'approve', comment: 'x'.repeat(2 ** 21) });
    expect(large.status).toBe(413);
    expect((await fetch(site.url + path)).status).toBe(200);
  });
});
