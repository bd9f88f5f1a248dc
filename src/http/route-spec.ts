/**
 * A route as it is declared: what it takes, what it answers, and the role that it needs. Server, OpenAPI
 * document, typed client and tests read the same declaration.
 */
import type { z } from 'zod';
import type { Session } from '../access/access.js';
import type { JsonObject } from '../plan/json.js';
import type { ProblemCode } from './problem.js';
import type { Role } from './roles.js';
import type { Gives } from './schemas/json.js';

export type Method = 'get' | 'post' | 'delete';

/** `/runs/{id}` has `id`. */
export type ParamsOf<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? { readonly [K in Name]: string } & ParamsOf<Rest>
  : unknown;

export interface RouteSpec<
  Path extends string = string,
  Query extends Gives<unknown> = Gives<unknown>,
  Body extends Gives<unknown> = Gives<unknown>,
  Answer = unknown,
> {
  readonly method: Method;
  /** As OpenAPI writes it: `/runs/{id}`. */
  readonly path: Path;
  readonly role: Role;
  /** Another role that will do. */
  readonly otherRole?: Role;
  /** Whether its handler leaves a record of what is to change something; the guard does so for whom it refuses. */
  readonly isAudited?: boolean;
  /** What it does, in a line. */
  readonly summary: string;
  readonly query?: Query;
  /** Of the JSON body. */
  readonly body?: Body;
  /** A body to begin with. */
  readonly example?: JsonObject;
  /** Headers that it reads, beside those that any route does, and what each means. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Types of a body that is no JSON. */
  readonly bodyTypes?: readonly string[];
  /** The JSON answer; absent where there is none. */
  readonly answer?: Gives<Answer>;
  /** Whether nothing lasts of what it does: it leaves no record in the audit, and has no idempotency key. */
  readonly isEphemeral?: boolean;
  /** Whether it does nothing more when it is sent again: it takes no idempotency key. */
  readonly isIdempotent?: boolean;
  /** Whether its handler knows the same request again by its key, and no answer is kept. */
  readonly knowsKeys?: boolean;
  /** Members of the answer that are secret, and kept nowhere: an answer that is given again has none of them. */
  readonly secrets?: readonly string[];
  /** Types that it may answer with instead. */
  readonly answerTypes?: readonly string[];
  /** Headers of its answers, beside those that any route has, and what each means. */
  readonly answerHeaders?: Readonly<Record<string, string>>;
  /** What each status of an answer means; 200 unless given. A 204 has no body. */
  readonly statuses?: Readonly<Record<number, string>>;
  /** Codes of problems that it may answer with, beside those that any route has. */
  readonly problems?: readonly ProblemCode[];
}

/** What `api` adds to what is declared. */
export interface RouteName {
  /** What the route is called in the document and in the client. */
  readonly operationId: string;
  /** What it belongs to. */
  readonly tag: string;
  /** The route as Hono writes it: `/runs/:id`. */
  readonly pattern: string;
}

/** A route under its name, as `api` gives it. */
export type DeclaredRoute = RouteSpec & RouteName;

/** Any route, with schemas that can be used. */
export interface Route extends Omit<RouteSpec, 'query' | 'body' | 'answer'>, RouteName {
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  readonly answer?: z.ZodType;
}

/** What an app knows of a request that a route takes: `context.get('route')` in guards and handlers. */
export interface RouteEnv {
  Variables: { route: Route; session?: Session };
}
