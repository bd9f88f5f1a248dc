/**
 * Lets a request in, before anything of it is read. Invariants: 1. a token that was sent is checked, also
 * where none is asked for, and says whose rows are seen; 2. what a route needs is held, or it is not called;
 * 3. each request that is to change something leaves a record, those that are refused too, but for those of
 * whom asks too often; 4. nobody who has a token is held up by those who guess one.
 */
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context, MiddlewareHandler } from 'hono';
import type { Session } from '../../access/access.js';
import { holdsRole } from '../../access/roles.js';
import type { Orchestrator } from '../../orchestrator.js';
import { RequestError, toProblem } from '../problem.js';
import type { Role } from '../roles.js';
import type { Route, RouteEnv } from '../route-spec.js';
import { limit, type Rate, RateLimit } from './rate-limit.js';

export interface GuardOptions {
  /** `required`: every route but public ones needs a token. `optional`: whoever sends none may do everything. */
  readonly tokens: 'required' | 'optional';
  /** How often one principal may ask. */
  readonly rate: Rate;
  /** How often all principals of one tenant may: its admin makes as many as he likes. */
  readonly tenantRate: Rate;
  /** How often one address is told that its token is refused, or missing; then that it asks too often. */
  readonly refused: RateLimit;
}

const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i;

export function guard(
  { access, audit }: Pick<Orchestrator, 'access' | 'audit'>,
  { tokens, rate, tenantRate, refused }: GuardOptions,
): MiddlewareHandler<RouteEnv> {
  const asked = new RateLimit(rate);
  const askedByTenant = new RateLimit(tenantRate);

  async function authenticate(context: Context<RouteEnv>): Promise<Session | undefined> {
    const header = context.req.header('authorization');
    if (header === undefined && tokens === 'optional') return undefined;
    try {
      return await access.authenticate(readBearer(header));
    } catch (error) {
      if (toProblem(error).status === 401) limit(context, refused.take(addressOf(context) ?? ''));
      context.header('WWW-Authenticate', 'Bearer realm="runchart"');
      throw error;
    }
  }

  async function admit(context: Context<RouteEnv>): Promise<void> {
    const session = await authenticate(context);
    if (session === undefined) return;
    context.set('session', session);
    const { tenant, principal } = session;
    limit(context, asked.take(`${tenant}~${principal.name}`));
    limit(context, askedByTenant.take(tenant));
    assertHeld(session, context.get('route'));
  }

  return async (context, next) => {
    const route = context.get('route');
    if (route.role === 'public') return next();
    if (!isChanging(route) && route.isAudited !== true) {
      await admit(context);
      return next();
    }
    const request = { ...requestOf(context, route), address: addressOf(context) };
    try {
      await admit(context);
    } catch (error) {
      const { status, code } = toProblem(error);
      const refuse = () =>
        audit.begin({ ...request, session: context.get('session') })(status, code);
      // Whoever asks too often would fill the audit by it.
      if (status !== 429) await refuse();
      throw error;
    }
    if (route.isAudited === true) return next();
    const end = audit.begin({ ...request, session: context.get('session') });
    await next();
    const { error } = context;
    // Nobody waits for it: the record of the request is there by now.
    void end(context.res.status, error === undefined ? undefined : toProblem(error).code);
  };
}

/** Reads never are, whatever their method. */
export function isChanging({
  method,
  role,
  isEphemeral,
}: Pick<Route, 'method' | 'role' | 'isEphemeral'>): boolean {
  return isEphemeral !== true && method === 'post' && role !== 'reader' && role !== 'public';
}

/** Where a request comes from; undefined where it comes over no connection. */
export function addressOf(context: Context): string | undefined {
  try {
    return getConnInfo(context).remote.address;
  } catch {
    return undefined;
  }
}

function requestOf(context: Context, { method, path }: Route) {
  return { action: `${method.toUpperCase()} ${path}`, target: context.req.path };
}

function readBearer(header: string | undefined): string {
  const [, token] = BEARER.exec(header ?? '') ?? [];
  if (token !== undefined) return token;
  throw new RequestError(
    'token-missing',
    'This needs a token.',
    'Send it as `authorization: Bearer …`; an admin makes one with `runchart token create`.',
  );
}

function assertHeld(session: Session, { role, otherRole }: Route): void {
  const isHeld = (needed: Role) => needed === 'public' || holdsRole(session, needed);
  if (isHeld(role) || (otherRole !== undefined && isHeld(otherRole))) return;
  const message = `This is for the role ${role}, which the token has not.`;
  throw new RequestError('role-refused', message);
}
