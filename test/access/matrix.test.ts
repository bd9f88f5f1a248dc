import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdsRole, TOKEN_ROLES, type TokenRole } from '../../src/access/roles.js';
import { ROUTES } from '../../src/http/api/api.js';
import type { Route } from '../../src/http/route-spec.js';
import { plan } from '../../src/plan/builder.js';
import type { Plan } from '../../src/plan/schema.js';
import { type Guarded, openGuarded } from './support/guarded.js';

const routes: readonly Route[] = ROUTES;
const approval = plan('Ask')
  .approval('review', { responders: ['ada'] })
  .build();
const offered: Record<string, { plan: Plan }> = {};
/** Names of plans that the examples of routes use. */
for (const { example } of routes) {
  const name = (example as { plan?: unknown } | undefined)?.plan;
  if (typeof name === 'string') offered[name] = { plan: approval };
}

/** What queries need, beside what they may leave out. */
const QUERY = '?at=1&node=review&count=1&version=1';

let site: Guarded;
beforeAll(async () => {
  const often = { perSecond: 10_000, burst: 10_000 };
  site = await openGuarded({}, { plans: offered, rate: often, refusals: often });
});
afterAll(() => site.close());

function pathOf({ path }: Route, id: string): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name) =>
    encodeURIComponent(name === 'id' ? id : 'none'),
  );
}

async function send(route: Route, id: string, token?: string) {
  const query = route.query === undefined ? '' : QUERY;
  const isJson = route.method === 'post' && route.bodyTypes === undefined;
  const response = await site.ask(route.method.toUpperCase(), pathOf(route, id) + query, {
    ...(token !== undefined && { token }),
    ...(isJson && { body: route.example ?? {} }),
  });
  const text = await response.text();
  const code = text.startsWith('{') ? (JSON.parse(text) as { code?: string }).code : undefined;
  return { status: response.status, code };
}

/** What the guard answers, worked out from what the route declares alone. */
function refusalOf(route: Route, who: { tenant: string; role: TokenRole } | undefined) {
  if (route.role === 'public') return undefined;
  if (who === undefined) return { status: 401, code: 'token-missing' };
  const holder = { tenant: who.tenant, roles: [who.role] };
  const will = [route.role, route.otherRole].flatMap((role) => role ?? []);
  if (will.some((role) => role !== 'public' && holdsRole(holder, role))) return undefined;
  return { status: 403, code: 'role-refused' };
}

const REFUSALS = ['token-missing', 'token-refused', 'role-refused', 'rate-limited'];

describe('every route', () => {
  const holders = [
    undefined,
    ...['', 'acme'].flatMap((tenant) => TOKEN_ROLES.map((role) => ({ tenant, role }))),
  ];
  for (const who of holders) {
    const name =
      who === undefined ? 'nobody' : `${who.role} of ${who.tenant || 'the default tenant'}`;
    it(`S197 promise 18: lets in who holds its role, and refuses all others: ${name}`, async () => {
      const token = who && (await site.token(who.tenant, [who.role]));
      const answers = routes.map(async (route) => ({
        route,
        answered: await send(route, 'missing', token),
      }));
      for (const { route, answered } of await Promise.all(answers)) {
        const refusal = refusalOf(route, who);
        const cell = `${route.operationId} for ${name}`;
        if (refusal === undefined) {
          expect(REFUSALS, cell).not.toContain(answered.code);
          expect(answered.status, cell).toBeLessThan(500);
        } else expect(answered, cell).toEqual(refusal);
      }
    });
  }

  it('promise 18: but for health and links needs a token', () => {
    const open = routes.filter(({ role }) => role === 'public').map(({ path }) => path);
    expect(new Set(open)).toEqual(
      new Set(['/health', '/health/live', '/health/ready', '/links/{secret}']),
    );
  });
});

const OF_A_TENANT = /^\/(runs|tasks|schedules|tokens)\/\{id\}/;

describe('every route about something of a tenant', () => {
  const named = routes.filter(({ path, bodyTypes }) => OF_A_TENANT.test(path) && !bodyTypes);

  /** The ids of a new run, its task, a schedule and a token of `acme`. */
  async function things(name: string): Promise<Record<string, string>> {
    const view = site.orchestrator.forTenant('acme');
    await view.start(approval, { id: name });
    await view.settled(name);
    const [task] = await view.tasks.list({ run: name });
    const cadence = { everyMs: 3_600_000 };
    await view.schedules.create({ id: name, plan: approval, cadence });
    const options = { principal: name, roles: ['reader'], tenant: 'acme' } as const;
    const token = await site.orchestrator.access.createToken(options);
    return {
      runs: `acme~${name}`,
      tasks: task?.id ?? '',
      schedules: `acme~${name}`,
      tokens: token.id,
    };
  }

  const kindOf = ({ path }: Route) => OF_A_TENANT.exec(path)?.[1] ?? '';

  it('promise 14: answers alike about another tenant’s and about what is not there, and does nothing', async () => {
    const ids = await things('theirs');
    const eve = await site.token('globex', TOKEN_ROLES);
    const view = site.orchestrator.forTenant('acme');
    const stateOf = async () =>
      JSON.stringify([
        await view.runs.details('theirs'),
        await view.runs.events('theirs'),
        await view.schedules.list(),
        await site.orchestrator.access.tokens({ tenant: 'acme' }),
      ]);
    const before = await stateOf();
    for (const route of named) {
      const theirs = await send(route, ids[kindOf(route)] ?? '', eve);
      const missing = await send(route, 'acme~missing', eve);
      expect(theirs, route.operationId).toEqual(missing);
      expect(theirs.status, route.operationId).toBe(404);
      expect(theirs.code, route.operationId).toMatch(/^(run|task|schedule|token)-unknown$/);
    }
    expect(await stateOf()).toBe(before);
  });

  it('promise 14: finds what is one’s own, by its full and by its local id', async () => {
    const own = await site.token('acme', TOKEN_ROLES);
    let count = 0;
    for (const route of named) {
      count += 1;
      const ids = await things(`own-${count}`);
      const id = ids[kindOf(route)] ?? '';
      const isNamedLocally = count % 2 === 0 && id.startsWith('acme~');
      const answered = await send(route, isNamedLocally ? id.slice('acme~'.length) : id, own);
      expect(answered.code ?? '', route.operationId).not.toMatch(
        /^(run|task|schedule|token)-unknown$/,
      );
      expect(answered.status, route.operationId).toBeLessThan(500);
    }
  });

  it('promise 14: lists to each what is its own', async () => {
    const eve = await site.token('globex', TOKEN_ROLES);
    await site.orchestrator.forTenant('globex').start(approval, { id: 'hers' });
    for (const path of ['/runs', '/tasks', '/schedules', '/tokens']) {
      const text = await (await site.ask('GET', path, { token: eve })).text();
      expect(text, path).not.toContain('acme');
    }
    const { audit } = (await (await site.ask('GET', '/audit', { token: eve })).json()) as {
      audit: { tenant: string }[];
    };
    expect(new Set(audit.map(({ tenant }) => tenant))).toEqual(new Set(['globex']));
    const { runs } = (await (await site.ask('GET', '/runs', { token: eve })).json()) as {
      runs: { id: string }[];
    };
    expect(runs.map(({ id }) => id)).toEqual(['globex~hers']);
    const past = await site.ask('GET', '/runs?before=acme~theirs', { token: eve });
    expect(past.status).toBe(404);
  });
});
