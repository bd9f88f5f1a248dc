import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API, ROUTES } from '../../src/http/api/api.js';
import { createHttpApp } from '../../src/http/app.js';
import { ROLES } from '../../src/http/roles.js';
import { plan } from '../../src/plan/builder.js';
import { DOCUMENT, type Document, faultsOf, type Operation } from './support/document.js';
import { bodyOf, openSite, type Site } from './support/site.js';

const audit = plan('Audit').action('review', { handler: 'review' }).build();

let site: Site;
beforeAll(async () => {
  site = await openSite({ review: () => 'seen' }, { plans: { audit: { plan: audit } } });
});
afterAll(() => site.close());

function operations(document: Document): readonly (readonly [string, Operation])[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => [`${method} ${path}`, operation] as const),
  );
}

describe('the OpenAPI document', () => {
  it('is served, and has every route of the app and no other', async () => {
    const served = await bodyOf<Document>(site.get('/openapi.json'));
    expect(served).toEqual(DOCUMENT);
    expect(served.openapi).toBe('3.1.0');
    const app = createHttpApp(site.orchestrator);
    const known = app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method.toLowerCase()} ${path.replace(/:(\w+)/g, '{$1}')}`);
    const documented = operations(served).map(([name]) => name);
    expect(documented.sort()).toEqual([...new Set(known)].sort());
  });

  it('names each operation once, with the role that it needs', () => {
    const found = operations(DOCUMENT).map(([, operation]) => [
      operation.operationId,
      operation['x-role'],
    ]);
    expect(new Set(found.map(([name]) => name)).size).toBe(found.length);
    expect(Object.fromEntries(found)).toEqual(
      Object.fromEntries(Object.entries(API).map(([name, { role }]) => [name, role])),
    );
    expect(ROLES).toEqual(expect.arrayContaining(ROUTES.map(({ role }) => role)));
  });

  it('has nobody change anything who may only read', () => {
    const changing = ROUTES.filter(({ method, role }) => method === 'post' && role === 'reader');
    // What agents are told to do has the roles of its tools.
    const harmless = ['validatePlan', 'drawPlan', 'tellMcp'];
    expect(changing.map(({ operationId }) => operationId)).toEqual(harmless);
    const open = ROUTES.filter(({ role }) => role === 'public');
    expect(open.every(({ tag, path }) => tag === 'health' || path.startsWith('/links/'))).toBe(
      true,
    );
  });

  it('describes the parameters of each path', () => {
    for (const [name, { parameters = [] }] of operations(DOCUMENT)) {
      const inPath = parameters.filter((parameter) => parameter.in === 'path');
      const wanted = [...name.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
      expect(inPath.map((parameter) => parameter.name).sort(), name).toEqual(wanted.sort());
    }
  });

  it('names the headers that a route reads', () => {
    const readBy = (name: string) => {
      const { parameters = [] } = operationNamed(name);
      return parameters.filter((parameter) => parameter.in === 'header').map(({ name }) => name);
    };
    const session = ['mcp-session-id', 'mcp-protocol-version'];
    for (const name of ['tellMcp', 'hearMcp', 'endMcp']) expect(readBy(name)).toEqual(session);
    expect(readBy('listEvents')).toEqual(['last-event-id']);
    expect(readBy('listAllEvents')).toEqual(['last-event-id']);
    expect(readBy('startRun')).toEqual(['traceparent', 'tracestate', 'idempotency-key']);
  });

  it('has an example for every body that cannot be empty, which the route takes', () => {
    for (const { operationId, body, example } of ROUTES) {
      if (body === undefined) continue;
      const content = operationNamed(operationId).requestBody?.content['application/json'];
      if (!body.safeParse({}).success) expect(example, operationId).toBeDefined();
      if (example === undefined) continue;
      expect(body.safeParse(example).error?.issues ?? [], operationId).toEqual([]);
      expect(content?.example, operationId).toEqual(example);
      expect(faultsOf(content?.schema ?? {}, example), operationId).toBe('');
    }
  });

  it.each(ROUTES.map((route) => [`${route.method} ${route.path}`, route] as const))(
    '%s answers as it says',
    async (_name, { method, path, query, example }) => {
      const needed = query?.safeParse({}).success === false ? '?node=none&at=1' : '';
      const asked = path.replace(/\{\w+\}/g, 'none') + needed;
      const response = method === 'get' ? await site.get(asked) : await site.post(asked, example);
      expect(response.status).not.toBe(405);
      expect(response.status).toBeLessThan(500);
      const isProblem = response.headers.get('content-type') === 'application/problem+json';
      if (isProblem && path !== '/docs/{file}') {
        expect((await bodyOf<{ code: string }>(response)).code).not.toBe('route-unknown');
      }
    },
  );
});

function operationNamed(name: string): Operation {
  const found = operations(DOCUMENT).find(([, { operationId }]) => operationId === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found[1];
}

describe('a query that does not fit', () => {
  it('is refused with the place of each fault', async () => {
    const response = await site.get('/runs?limit=0&status=done');
    expect(await response.json()).toMatchObject({
      code: 'argument-invalid',
      issues: [{ path: '/status' }, { path: '/limit' }],
    });
  });

  it('is refused in the body likewise', async () => {
    const body = { plan: 'audit', priority: 10, budget: { maxSteps: 0 }, until: [1] };
    expect(await (await site.post('/runs', body)).json()).toMatchObject({
      code: 'argument-invalid',
      issues: [{ path: '/priority' }, { path: '/budget/maxSteps' }, { path: '/until/0' }],
    });
  });
});

describe('an app inside of another one', () => {
  const mounted = () => {
    const host = new Hono();
    host.get('/', (context) => context.text('host'));
    const app = createHttpApp(site.orchestrator, { plans: { audit: { plan: audit } } });
    return host.route('/flows/v1', app);
  };
  const headers = { host: 'localhost', 'content-type': 'application/json' };

  it('says where things are with its base in front', async () => {
    const body = JSON.stringify({ plan: 'audit', id: 'mounted' });
    const started = await mounted().request('/flows/v1/runs', { method: 'POST', headers, body });
    expect([started.status, started.headers.get('location')]).toEqual([
      201,
      '/flows/v1/runs/mounted',
    ]);
    const found = await mounted().request('/flows/v1/runs/mounted', { headers });
    expect(await found.json()).toMatchObject({ id: 'mounted' });
  });

  it('keeps its errors, and leaves those of the host alone', async () => {
    const other = await mounted().request('/flows/v1/runs', { method: 'DELETE', headers });
    expect([other.status, other.headers.get('allow')]).toEqual([405, 'GET, POST']);
    const unknown = await mounted().request('/flows/v1/runs/none', { headers });
    expect(unknown.headers.get('content-type')).toBe('application/problem+json');
    expect(await (await mounted().request('/', { headers })).text()).toBe('host');
  });

  it('has a document whose paths count from where it lies', async () => {
    const document = await mounted().request('/flows/v1/openapi.json', { headers });
    const { servers } = (await document.json()) as { servers: { url: string }[] };
    const base = new URL(servers[0]?.url ?? '', 'http://localhost/flows/v1/openapi.json');
    expect(base.pathname).toBe('/flows/v1/');
  });
});

describe('the API page', () => {
  it('loads what it needs from this server and nothing from elsewhere', async () => {
    const page = await site.get('/docs');
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/^default-src 'none'/);
    expect(policy).not.toMatch(/https?:|\*/);
    const text = await page.text();
    expect(text).not.toMatch(/https?:\/\//);
    const links = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link);
    expect(links).toHaveLength(3);
    for (const link of links) {
      const { pathname } = new URL(link, `${site.url}/docs`);
      const file = await site.get(pathname);
      expect([link, file.status]).toEqual([link, 200]);
      expect((await file.text()).length).toBeGreaterThan(50);
    }
  });

  it('gives out no other file', async () => {
    for (const file of ['package.json', '..%2F..%2Fpackage.json', 'LICENSE']) {
      expect((await site.get(`/docs/${file}`)).status).toBe(404);
    }
  });
});
