/**
 * Puts declared routes into an app, each with its handler. Invariants: a handler sees only what its
 * route's schemas have let through; a method that a path does not have is refused with those it has.
 */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';
import { basePath } from 'hono/route';
import type { Session } from '../access/access.js';
import type { Keyed } from '../keyed.js';
import type { JsonObject } from '../plan/json.js';
import { documentedRoute } from './documented.js';
import { answeredOnce, isKeyed, type KeptAnswers, readKey } from './keyed-answer.js';
import { openApiDocument } from './openapi.js';
import { RequestError } from './problem.js';
import { type Given, readAs, readBody } from './read-body.js';
import { Reply } from './reply.js';
import type { DeclaredRoute, ParamsOf, Route, RouteEnv } from './route-spec.js';
import type { Gives } from './schemas/json.js';
import type { HttpScope } from './scope.js';
import { type SpooledFile, spooled } from './spool.js';

/** A request as its route has read it. */
export interface Incoming<R> {
  readonly context: Context<RouteEnv>;
  readonly params: R extends { readonly path: infer Path extends string } ? ParamsOf<Path> : never;
  readonly query: R extends { readonly query?: infer Query } ? Output<Query> : unknown;
  readonly body: R extends { readonly body?: infer Body } ? Output<Body> : unknown;
  /** A body that is no JSON: a file, which is gone after the answer. */
  readonly file: R extends { readonly bodyTypes?: readonly string[] } ? SpooledFile : never;
  /** How the request names itself, for calls that change something. */
  readonly keyed: Keyed;
}

type Output<Schema> = Schema extends Gives<infer Value> ? Given<Value> : unknown;
type AnswerOf<R> = R extends { readonly answer?: Gives<infer Answer> } ? Answer : never;
type Answered<Answer> = Answer | Reply<Answer> | Response;

/** Answers with JSON (or a Reply, or any Response), as the route declares it. */
export type RouteHandler<R> = (
  incoming: Incoming<R>,
) => Answered<AnswerOf<R>> | Promise<Answered<AnswerOf<R>>>;

/** A handler for each of the routes. */
export type Handlers<Routes> = { readonly [Name in keyof Routes]: RouteHandler<Routes[Name]> };

/** Where resources put their routes. */
export interface RouteServer {
  serve<Routes extends Readonly<Record<string, DeclaredRoute>>>(
    routes: Routes,
    handlers: Handlers<Routes>,
  ): void;
  /** What is served by now, as an OpenAPI document. */
  document(): JsonObject;
}

/** Serves the routes of a resource with handlers over a scope. */
export type Resource = (server: RouteServer, scope: HttpScope) => void;

export interface AppRoutesParts {
  readonly app: OpenAPIHono<RouteEnv>;
  /** Run before anything of the request is read, and know its route. */
  readonly guards: readonly MiddlewareHandler<RouteEnv>[];
  readonly scope: HttpScope;
  /** What the handlers of a request work with, where that is not the scope of all. */
  scopeFor(session: Session): HttpScope;
}

export class AppRoutes implements RouteServer {
  readonly #app: OpenAPIHono<RouteEnv>;
  readonly #parts: AppRoutesParts;
  readonly #methods = new Map<string, Set<string>>();
  #document: JsonObject | undefined;

  /** The resource that is being added. */
  #resource: Resource = () => {};

  constructor(parts: AppRoutesParts) {
    this.#app = parts.app;
    this.#parts = parts;
  }

  add(resource: Resource): void {
    this.#resource = resource;
    resource(this, this.#parts.scope);
  }

  serve<Routes extends Readonly<Record<string, DeclaredRoute>>>(
    routes: Routes,
    handlers: Handlers<Routes>,
  ): void {
    const resource = this.#resource;
    for (const [name, declared] of Object.entries(routes)) {
      const route = declared as Route;
      const shared = handlers[name] as unknown as RouteHandler<Route>;
      this.#app.openAPIRegistry.registerPath(documentedRoute(route));
      const known: MiddlewareHandler<RouteEnv> = (context, next) => {
        context.set('route', route);
        return next();
      };
      const chain = [
        known,
        ...this.#parts.guards,
        (context: Context<RouteEnv>) => {
          const session = context.get('session');
          if (session === undefined) return answer(context, shared, this.#parts.scope.host);
          const scope = this.#parts.scopeFor(session);
          // What is answered to a tenant is kept as the tenant's, under its key.
          return answer(context, this.#handlerOver(scope, resource, route), scope.orchestrator);
        },
      ];
      this.#app.on(route.method.toUpperCase(), [route.pattern], ...chain);
      this.#methods.set(
        route.pattern,
        (this.#methods.get(route.pattern) ?? new Set()).add(route.method.toUpperCase()),
      );
    }
  }

  /** The handler over what a session sees: it has nothing else within its reach. */
  #handlerOver(scope: HttpScope, resource: Resource, route: Route): RouteHandler<Route> {
    let found: RouteHandler<Route> | undefined;
    const picking: RouteServer = {
      serve: (routes, handlers) => {
        for (const [name, one] of Object.entries(routes)) {
          if (one.operationId !== route.operationId) continue;
          found = handlers[name] as unknown as RouteHandler<Route>;
        }
      },
      document: () => this.document(),
    };
    resource(picking, scope);
    if (found === undefined) throw new Error(`nothing serves ${route.operationId}`);
    return found;
  }

  /** What is served by now, as an OpenAPI document; made once. */
  document(): JsonObject {
    this.#document ??= openApiDocument(this.#app);
    return this.#document;
  }

  /** Once all routes are there. */
  refuseOtherMethods(): void {
    for (const [path, methods] of this.#methods) {
      const allowed = [...methods].sort().join(', ');
      this.#app.all(path, (context) => {
        context.header('Allow', allowed);
        const message = `${context.req.method} is not for ${path}.`;
        throw new RequestError('method-refused', message, allowed);
      });
    }
  }
}

async function answer(
  context: Context<RouteEnv>,
  handler: RouteHandler<Route>,
  answers: KeptAnswers,
): Promise<Response> {
  const route = context.get('route');
  // A form is read by its handler; what may be larger than memory is a file.
  const isFile = route.bodyTypes?.includes('application/octet-stream') === true;
  if (!isFile) return answerWith(context, handler, answers);
  return spooled(context, (file) => answerWith(context, handler, answers, file));
}

async function answerWith(
  context: Context<RouteEnv>,
  handler: RouteHandler<Route>,
  answers: KeptAnswers,
  file?: SpooledFile,
): Promise<Response> {
  const route = context.get('route');
  const key = isKeyed(route) ? readKey(context) : undefined;
  const query = route.query && readAs(route.query, context.req.query(), 'The query');
  const body = route.body && (await readBody(context, route.body, nameOf(context)));
  const read = { context, params: context.req.param(), query, body, file };
  const incoming = { ...read, keyed: { idempotencyKey: key } } as unknown as Incoming<Route>;
  if (key === undefined || route.knowsKeys === true) return sent(context, await handler(incoming));
  const call = { key, asked: { query, body, file: file?.digest } };
  const work = async () => replyOf(await handler(incoming));
  return sent(context, await answeredOnce(context, answers, call, work));
}

function nameOf(context: Context<RouteEnv>): string | undefined {
  return context.get('session')?.principal.name;
}

function replyOf(answered: unknown): Reply<unknown> {
  return answered instanceof Reply ? answered : new Reply(answered, 200);
}

function sent(context: Context, answered: unknown): Response {
  if (answered instanceof Response) return answered;
  const { answer, status, location } = replyOf(answered);
  if (location !== undefined) context.header('Location', baseOf(context) + location);
  return context.json(answer as object, status as 200);
}

/** Where the app is mounted: empty at the root. */
function baseOf(context: Context): string {
  return basePath(context).replace(/\/\*?$/, '');
}
