/** Holds answers, and bodies that were taken, against the OpenAPI document of the app. */
import { OpenAPIHono } from '@hono/zod-openapi';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { ROUTES } from '../../../src/http/api/api.js';
import { documentedRoute } from '../../../src/http/documented.js';
import { openApiDocument } from '../../../src/http/openapi.js';
import type { RouteEnv } from '../../../src/http/route-spec.js';

interface Content {
  readonly schema: object;
  readonly example?: unknown;
}

interface DocumentedAnswer {
  readonly content?: Readonly<Record<string, Content>>;
  readonly headers?: Readonly<Record<string, object>>;
}

/** Headers of HTTP itself, and those that tell browsers and proxies what they may do. */
const EVERYWHERE = new Set([
  ...['cache-control', 'connection', 'content-length', 'content-type', 'date', 'keep-alive'],
  ...['transfer-encoding', 'vary', 'content-security-policy', 'referrer-policy'],
  ...['x-content-type-options', 'x-robots-tag', 'x-accel-buffering'],
]);

export interface Operation {
  readonly operationId: string;
  readonly 'x-role': string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: object;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<Record<string, DocumentedAnswer>>;
}

export interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const app = new OpenAPIHono<RouteEnv>();
for (const route of ROUTES) app.openAPIRegistry.registerPath(documentedRoute(route));
export const DOCUMENT = openApiDocument(app) as unknown as Document;

const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
ajv.addSchema({ $id: 'document', components: closed(DOCUMENT.components) });
const validators = new Map<object, ValidateFunction>();

/** What is wrong with `value` under a schema of the document; nothing undocumented may be there. */
export function faultsOf(schema: object, value: unknown): string {
  let validate = validators.get(schema);
  if (validate === undefined) {
    validate = ajv.compile(closed(schema) as object);
    validators.set(schema, validate);
  }
  return validate(value) ? '' : ajv.errorsText(validate.errors);
}

/** Objects have their documented members and no others; references lead into the document. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.entries(schema).map(([key, value]) => {
    if (key === '$ref') return [key, `document${value}`];
    return [key, key === 'example' || key === 'default' ? value : closed(value)];
  });
  const isOpen = 'properties' in schema && !('additionalProperties' in schema);
  return { ...Object.fromEntries(inner), ...(isOpen && { additionalProperties: false }) };
}

/** The operation that takes a request; undefined where the document has none. */
export function operationOf(method: string, path: string): Operation | undefined {
  const parts = path.split('/');
  const candidates = Object.entries(DOCUMENT.paths).filter(([template]) => {
    const wanted = template.split('/');
    return (
      wanted.length === parts.length &&
      wanted.every((part, i) => part.startsWith('{') || part === parts[i])
    );
  });
  candidates.sort(([a], [b]) => a.split('{').length - b.split('{').length);
  return candidates.map(([, item]) => item[method.toLowerCase()]).find(Boolean);
}

/** Throws where an answer is not as the document says. */
export async function assertDocumented(
  { method, url, body }: { readonly method: string; readonly url: string; readonly body?: unknown },
  response: Response,
): Promise<void> {
  const { pathname } = new URL(url);
  const operation = operationOf(method, pathname);
  if (operation === undefined) return;
  const what = `${method} ${pathname} -> ${response.status}`;
  const documented = operation.responses[response.status];
  if (documented === undefined) throw new Error(`${what}: a status that is not documented`);
  if (response.ok && typeof body === 'object') assertBody(operation, body, what);
  assertHeaders(operation, response, what);
  const [type = ''] = (response.headers.get('content-type') ?? '').split(';');
  if (type === '' && documented.content === undefined) return;
  const content = documented.content?.[type];
  if (content === undefined) throw new Error(`${what}: ${type} is not documented`);
  if (!/[/+]json$/.test(type)) return;
  const faults = faultsOf(content.schema, await response.clone().json());
  if (faults !== '') throw new Error(`${what}: ${faults}`);
}

function assertHeaders({ responses }: Operation, { headers }: Response, what: string): void {
  const documented = Object.values(responses).flatMap((answer) =>
    Object.keys(answer.headers ?? {}),
  );
  const known = new Set([...EVERYWHERE, ...documented.map((name) => name.toLowerCase())]);
  const unknown = [...headers.keys()].filter((name) => !known.has(name));
  if (unknown.length > 0) throw new Error(`${what}: the headers ${unknown} are not documented`);
}

function assertBody(operation: Operation, body: unknown, what: string): void {
  const schema = operation.requestBody?.content['application/json']?.schema;
  if (schema === undefined || body === null) return;
  const faults = faultsOf(schema, body);
  if (faults !== '') throw new Error(`${what}: the body was taken, but ${faults}`);
}
