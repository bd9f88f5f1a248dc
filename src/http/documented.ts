/** A route as the OpenAPI document has it. */
import { type RouteConfig, z } from '@hono/zod-openapi';
import { ERROR_KINDS, type ErrorCode } from '../errors.js';
import { headersOfAnswer, headersOfRefusal, headersOfRequest } from './documented-headers.js';
import { isKeyed } from './keyed-answer.js';
import { type ProblemCode, REQUEST_ERRORS } from './problem.js';
import type { Route } from './route-spec.js';
import { problem } from './schemas/problem.js';

type Responses = RouteConfig['responses'];

const ANYWHERE: readonly ProblemCode[] = ['host-refused', 'origin-refused', 'internal', 'closing'];
const GUARDED: readonly ProblemCode[] = [
  'token-missing',
  'token-refused',
  'role-refused',
  'rate-limited',
];
const WITH_BODY: readonly ProblemCode[] = [
  'body-malformed',
  'body-too-deep',
  'body-too-large',
  'content-type-refused',
  'argument-invalid',
];
const CHANGING: readonly ProblemCode[] = ['commit-failed', 'overloaded'];
const KEYED: readonly ProblemCode[] = ['argument-invalid', 'idempotency-key-reused'];

/** Bytes that the document says nothing about. */
const BINARY = z.string().openapi({ format: 'binary' });

/** The parts of the route under the names that the document has for them. */
export function documentedRoute(route: Route): RouteConfig {
  const { method, path, operationId, role, summary, query, tag } = route;
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  return {
    ...{ method, path, operationId, summary, tags: [tag] },
    'x-role': role,
    request: {
      ...(names.length > 0 && { params: z.object(paramsNamed(names)) }),
      ...(query instanceof z.ZodObject && { query }),
      ...documentedBody(route),
      ...headersOfRequest(route),
    },
    responses: documentedAnswers(route),
  };
}

function paramsNamed(names: readonly string[]): Record<string, z.ZodString> {
  return Object.fromEntries(names.map((name) => [name, z.string()]));
}

function documentedBody({
  body,
  bodyTypes,
  example,
}: Route): Pick<NonNullable<RouteConfig['request']>, 'body'> {
  if (bodyTypes !== undefined) return { body: { content: contentOf(bodyTypes), required: true } };
  if (body === undefined) return {};
  const required = !body.safeParse({}).success;
  const content = { schema: body, ...(example !== undefined && { example }) };
  return { body: { content: { 'application/json': content }, required } };
}

function documentedAnswers(spec: Route): Responses {
  const { statuses = { 200: spec.summary }, answer, answerTypes = [] } = spec;
  const content = {
    ...(answer !== undefined && { 'application/json': { schema: answer } }),
    ...contentOf(answerTypes),
  };
  const headers = headersOfAnswer(spec);
  const good = Object.entries(statuses).map(([status, description]) => {
    return [status, { description, ...(status !== '204' && { content }), ...headers }];
  });
  return { ...Object.fromEntries(good), ...problemAnswers(codesOf(spec), statuses) };
}

function contentOf(types: readonly string[]): Record<string, { schema: z.ZodType }> {
  const schemaOf = (type: string) => {
    if (type === 'application/json') return z.unknown();
    return type.startsWith('text/') ? z.string() : BINARY;
  };
  return Object.fromEntries(types.map((type) => [type, { schema: schemaOf(type) }]));
}

/** Every code that the route may answer with. */
export function codesOf(route: Route): ProblemCode[] {
  const { method, path, role, query, body, bodyTypes, problems } = route;
  const hasBody = body !== undefined || bodyTypes !== undefined;
  return [
    ...ANYWHERE,
    ...(role === 'public' ? [] : GUARDED),
    // Names in a path may be longer than any name.
    ...(query === undefined && !path.includes('{') ? [] : (['argument-invalid'] as const)),
    ...(hasBody ? WITH_BODY : []),
    ...(method === 'post' ? CHANGING : []),
    ...(isKeyed(route) ? KEYED : []),
    ...(problems ?? []),
  ];
}

/** One answer for each status; what a status means already is not said again. */
function problemAnswers(
  codes: readonly ProblemCode[],
  taken: Readonly<Record<number, string>>,
): Responses {
  const byStatus = new Map<number, Set<ProblemCode>>();
  for (const code of codes) {
    const status = statusOf(code);
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code));
  }
  const content = { 'application/problem+json': { schema: problem } };
  return Object.fromEntries(
    [...byStatus]
      .filter(([status]) => !(status in taken))
      .map(([status, of]) => {
        const description = [...of].sort().join(', ');
        return [status, { description, content, ...headersOfRefusal(status) }];
      }),
  );
}

function statusOf(code: ProblemCode): number {
  if (code in REQUEST_ERRORS) return REQUEST_ERRORS[code as keyof typeof REQUEST_ERRORS];
  return ERROR_KINDS[code as ErrorCode].status;
}
