/** Writes what the client knows of the HTTP API, from its OpenAPI document: `npm run client`. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { OpenAPIHono } from '@hono/zod-openapi';
import { ROUTES } from '../src/http/api/api.js';
import { documentedRoute } from '../src/http/documented.js';
import { isKeyed } from '../src/http/keyed-answer.js';
import { openApiDocument } from '../src/http/openapi.js';
import type { Route, RouteEnv } from '../src/http/route-spec.js';

const FILE = new URL('../src/client/api.ts', import.meta.url);

/** Says nothing that the type does not say. */
const ANY = 'Any JSON';

type Schema = { readonly [key: string]: unknown };
interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: Schema;
}
interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
  };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** The file as the declarations have it. */
export function clientApi(): string {
  const biome = fileURLToPath(new URL('../node_modules/.bin/biome', import.meta.url));
  const words = ['format', '--stdin-file-path=src/client/api.ts'];
  return execFileSync(biome, words, { input: written(), encoding: 'utf8', stdio: 'pipe' });
}

function written(): string {
  const app = new OpenAPIHono<RouteEnv>();
  const routes = ROUTES.filter(({ tag }) => tag !== 'document');
  for (const route of routes) app.openAPIRegistry.registerPath(documentedRoute(route));
  const { paths, components } = openApiDocument(app) as unknown as Document;
  const named = Object.entries(components.schemas).sort(([a], [b]) => (a < b ? -1 : 1));
  const operation = ({ path, method }: Route) => paths[path]?.[method] as Operation;
  return [
    '/** The HTTP API as a client sees it: written by `npm run client`, from the declarations of routes. */',
    '/** A value that JSON carries. */\nexport type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;\n',
    '/** An object of JSON. */\nexport interface JsonObject {\n  [key: string]: JsonValue;\n}\n',
    '/** A body that is no JSON. A stream is sent once, and not again where that fails. */',
    'export type FileBody = string | Blob | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;\n',
    ...named.map(([name, schema]) => {
      return `/** ${placeOf(name, paths, components.schemas)} */\n${declared(name, schema)}\n`;
    }),
    '/** What each operation takes and gives. */',
    'export interface Operations {',
    ...routes.map((route) => typesOf(route, operation(route))),
    '}\n',
    '/** Names of operations. */\nexport type OperationName = keyof Operations;\n',
    '/** How each operation is asked for: what answers with a text or a stream says so, what is keyed may be repeated. */',
    'export const OPERATIONS = {',
    ...routes.map((route) => wordsOf(route, operation(route))),
    '} as const satisfies Record<OperationName, object>;\n',
  ].join('\n');
}

/** Where a schema is met: what answers with it, or what it is a part of. */
function placeOf(
  name: string,
  paths: Document['paths'],
  schemas: Document['components']['schemas'],
) {
  const has = (value: unknown) => JSON.stringify(value).includes(`"#/components/schemas/${name}"`);
  const giving = Object.values(paths)
    .flatMap((item) => Object.values(item))
    .filter(({ responses }) => has(goodOf(responses)))
    .map(({ operationId }) => `\`${operationId}\``);
  if (giving.length > 0) return `What ${giving.slice(0, 3).join(', ')} gives.`;
  if (name === 'Problem') return 'What a request that did not succeed is answered with.';
  const wholes = Object.entries(schemas).filter(([other, schema]) => other !== name && has(schema));
  return `A part of ${wholes.map(([other]) => `\`${other}\``).join(', ') || 'what is sent'}.`;
}

function goodOf(responses: Operation['responses']) {
  return Object.entries(responses).filter(([status]) => status.startsWith('2'));
}

function declared(name: string, schema: Schema): string {
  const { type, properties = {} } = schema;
  if (type === 'object' && Object.keys(properties as object).length > 0) {
    return `export interface ${name} ${typeOf(schema)}`;
  }
  return `export type ${name} = ${typeOf(schema)};`;
}

function typesOf(route: Route, { parameters = [], requestBody, responses }: Operation): string {
  const asked = parameters.filter((parameter) => parameter.in !== 'header');
  const members = asked.map(
    ({ name, required, schema }) => `readonly ${name}${required ? '' : '?'}: ${typeOf(schema)}`,
  );
  if (requestBody !== undefined) {
    const schema = requestBody.content['application/json']?.schema;
    const body = schema === undefined ? 'FileBody' : typeOf(schema);
    members.push(`readonly body${requestBody.required ? '' : '?'}: ${body}`);
  }
  const answer = answerOf(route, responses);
  return [
    `  /** ${route.summary.replaceAll('*/', '* /')} */`,
    `  readonly ${route.operationId}: {`,
    `    readonly request: ${members.length === 0 ? 'Record<string, never>' : `{ ${members.join('; ')} }`};`,
    `    readonly answer: ${answer};`,
    '  };',
  ].join('\n');
}

function answerOf(route: Route, responses: Operation['responses']): string {
  const kind = kindOf(route);
  if (kind !== 'json') return kind === 'text' ? 'string' : 'ReadableStream<Uint8Array>';
  const good = Object.entries(responses).find(([status]) => status.startsWith('2'));
  return typeOf(good?.[1].content?.['application/json']?.schema ?? {});
}

function kindOf({ answer, answerTypes = [] }: Route): 'json' | 'text' | 'stream' {
  if (answer !== undefined) return 'json';
  return answerTypes.every((type) => type.startsWith('text/')) ? 'text' : 'stream';
}

function wordsOf(route: Route, { parameters = [] }: Operation): string {
  const query = parameters.filter((parameter) => parameter.in === 'query');
  const words = {
    method: route.method.toUpperCase(),
    path: route.path,
    query: query.map(({ name }) => name),
    answer: kindOf(route),
    isKeyed: isKeyed(route),
    isRepeatable:
      route.method === 'get' ||
      route.role === 'reader' ||
      isKeyed(route) ||
      route.isIdempotent === true,
    ...(route.bodyTypes !== undefined && { bodyType: route.bodyTypes[0] }),
  };
  return `  ${route.operationId}: ${JSON.stringify(words)},`;
}

/** The type of what a schema of the document describes. */
function typeOf(schema: Schema): string {
  const { $ref, anyOf, allOf, enum: values, const: only, type } = schema;
  if (typeof $ref === 'string') return $ref.slice($ref.lastIndexOf('/') + 1);
  if (values !== undefined) return (values as unknown[]).map((v) => JSON.stringify(v)).join(' | ');
  if (only !== undefined) return JSON.stringify(only);
  if (anyOf !== undefined) return (anyOf as Schema[]).map(typeOf).join(' | ');
  if (allOf !== undefined)
    return (allOf as Schema[]).map((part) => `(${typeOf(part)})`).join(' & ');
  if (Array.isArray(type)) return type.map((one) => typeOf({ ...schema, type: one })).join(' | ');
  if (type === 'array') return `readonly (${typeOf((schema.items ?? {}) as Schema)})[]`;
  if (type === 'object') return objectOf(schema);
  if (type === 'integer') return 'number';
  return typeof type === 'string' ? type : 'JsonValue';
}

function objectOf({ properties, additionalProperties, required = [] }: Schema): string {
  if (properties === undefined) {
    const rest = additionalProperties as Schema | undefined;
    const isAny = rest === undefined || Object.keys(rest).length === 0 || !isTyped(rest);
    return isAny ? 'JsonObject' : `{ readonly [key: string]: ${typeOf(rest)} }`;
  }
  if (Object.keys(properties as object).length === 0) {
    return additionalProperties === false ? 'Record<string, never>' : 'JsonObject';
  }
  const members = Object.entries(properties as Record<string, Schema>).map(([name, member]) => {
    const { description = ANY } = member;
    const text = description === ANY ? '' : `/** ${description} */\n`;
    const isNeeded = (required as readonly string[]).includes(name);
    return `${text}readonly ${name}${isNeeded ? '' : '?'}: ${typeOf(member)};`;
  });
  return `{\n${members.join('\n')}\n}`;
}

function isTyped(schema: Schema): boolean {
  return 'type' in schema || '$ref' in schema || 'anyOf' in schema;
}

if (process.argv[1]?.endsWith('client-api.ts')) writeFileSync(FILE, clientApi());
