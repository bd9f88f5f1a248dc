/**
 * A route as it is declared: what it takes, what it answers, and the role that it needs. Server, OpenAPI
 * document, typed client and tests read the same declaration.
 */
import type { RouteConfig, z } from '@hono/zod-openapi';
import type { Session } from '../access/access.js';
import type { ProblemCode } from './problem.js';
import type { Role } from './roles.js';

export type Method = 'get' | 'post' | 'delete';

/** `/runs/{id}` has `id`. */
export type ParamsOf<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? { readonly [K in Name]: string } & ParamsOf<Rest>
  : unknown;

export interface RouteSpec<
  Path extends string,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Answer,
> {
  readonly method: Method;
  /** As OpenAPI writes it: `/runs/{id}`. */
  readonly path: Path;
  readonly role: Role;
  /** Another role that will do. */
  readonly otherRole?: Role;
  /** What it does, in a line. */
  readonly summary: string;
  readonly query?: Query;
  /** Of the JSON body. */
  readonly body?: Body;
  /** A body to begin with. */
  readonly example?: z.input<Body>;
  /** Types of a body that is no JSON. */
  readonly bodyTypes?: readonly string[];
  /** The JSON answer; absent where there is none. */
  readonly answer?: z.ZodType<Answer>;
  /** Types that it may answer with instead. */
  readonly answerTypes?: readonly string[];
  /** What each status of an answer means; 200 unless given. A 204 has no body. */
  readonly statuses?: Readonly<Record<number, string>>;
  /** Codes of problems that it may answer with, beside those that any route has. */
  readonly problems?: readonly ProblemCode[];
}

export interface Route<
  Path extends string = string,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Answer = unknown,
> extends RouteSpec<Path, Query, Body, Answer> {
  /** What the route is called in the document and in the client. */
  readonly operationId: string;
  /** What it belongs to. */
  readonly tag: string;
  /** The route as Hono writes it: `/runs/:id`. */
  readonly pattern: string;
  /** The route as the document has it. */
  readonly documented: RouteConfig;
}

/** A route without its name, which `api` gives it. */
export type Unnamed<R> = Omit<R, 'operationId' | 'tag' | 'pattern' | 'documented'>;

/** What an app knows of a request that a route takes: `context.get('route')` in guards and handlers. */
export interface RouteEnv {
  Variables: { route: Route; session?: Session };
}
