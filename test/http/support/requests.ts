/** Requests made of the OpenAPI document: right ones, almost right ones, and hostile ones. */
import fc from 'fast-check';
import { DOCUMENT, type Operation } from './document.js';

type Schema = { readonly [key: string]: unknown };

export interface Asked {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** Names that mean something to the server, by the name of the member or parameter. */
export type Known = (name: string) => readonly string[];

const HOSTILE_TEXTS = [
  ...[
    '',
    ' ',
    '.',
    '..',
    '../../etc/passwd',
    '%00',
    '\u0000',
    '\u202e',
    '\ud800',
    '😀'.repeat(300),
  ],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', "' or 1=1 --", '$`id`', '{{7*7}}'],
  ...['x'.repeat(5_000), '-1', '1e309', 'NaN', 'null', 'true', 'a/b', '~/x', 'a[0]', '*', '(a+)+$'],
];
const HOSTILE_VALUES = [
  ...[null, true, 0, -1, 1e308, 9_007_199_254_740_992, 1.5, [], {}, [[]], { a: { b: [] } }],
  ...HOSTILE_TEXTS,
];
const text = (known: readonly string[]) =>
  fc.oneof(
    { weight: 6, arbitrary: known.length === 0 ? fc.string() : fc.constantFrom(...known) },
    { weight: 1, arbitrary: fc.constantFrom(...HOSTILE_TEXTS) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  );

/** Values that a schema takes, and now and then ones that it does not. */
function anyValue(schema: Schema, name: string, known: Known): fc.Arbitrary<unknown> {
  const right = rightValue(resolved(schema), name, known);
  return fc.oneof(
    { weight: 24, arbitrary: right },
    { weight: 1, arbitrary: fc.constantFrom(...HOSTILE_VALUES) },
  );
}

function resolved(schema: Schema): Schema {
  if (typeof schema.$ref !== 'string') return schema;
  const name = schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
  return DOCUMENT.components.schemas[name] as Schema;
}

function rightValue(schema: Schema, name: string, known: Known): fc.Arbitrary<unknown> {
  const { anyOf, enum: values, const: only, type } = schema;
  if (values !== undefined) return fc.constantFrom(...(values as unknown[]));
  if (only !== undefined) return fc.constant(only);
  if (anyOf !== undefined) {
    return fc.oneof(...(anyOf as Schema[]).map((one) => rightValue(resolved(one), name, known)));
  }
  if (Array.isArray(type)) {
    return fc.oneof(...type.map((one) => rightValue({ ...schema, type: one }, name, known)));
  }
  if (type === 'string') return text(known(name));
  if (type === 'integer' || type === 'number') return numberOf(schema);
  if (type === 'boolean') return fc.boolean();
  if (type === 'null') return fc.constant(null);
  if (type === 'array') {
    return fc.array(anyValue((schema.items ?? {}) as Schema, name, known), { maxLength: 3 });
  }
  if (type === 'object' && schema.properties !== undefined) return objectOf(schema, known);
  if (type === 'object')
    return fc.dictionary(text([]), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });
  return fc.jsonValue({ maxDepth: 3 });
}

function numberOf({ minimum = 0, maximum = 2_000_000_000 }: Schema): fc.Arbitrary<number> {
  const [min, max] = [minimum as number, Math.min(maximum as number, 2_000_000_000)];
  return fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min, max: Math.min(max, min + 20) }) },
    { weight: 1, arbitrary: fc.integer({ min, max }) },
    { weight: 1, arbitrary: fc.constantFrom(min - 1, max + 1, 0.5, 1e300) },
  );
}

function objectOf({ properties, required = [] }: Schema, known: Known): fc.Arbitrary<unknown> {
  const members = Object.entries(properties as Record<string, Schema>).map(([name, member]) => {
    const isNeeded = (required as readonly string[]).includes(name);
    const isThere = fc
      .integer({ min: 0, max: isNeeded ? 40 : 3 })
      .map((n) => (isNeeded ? n > 0 : n === 0));
    return fc.tuple(fc.constant(name), isThere, anyValue(member, name, known));
  });
  const extra = fc.integer({ min: 0, max: 40 }).map((n) => (n === 0 ? [['unexpected', 1]] : []));
  return fc.tuple(fc.tuple(...members), extra).map(([given, more]) => {
    const there = given.filter(([, isThere]) => isThere).map(([name, , value]) => [name, value]);
    return Object.fromEntries([...there, ...more]);
  });
}

/** Bodies that are no JSON, or none that can be taken. */
const BROKEN = [
  ...['', '{', '[]', 'null', '"x"', '{"a":}', '\u0000', '{"__proto__":{"a":1}}', '{"plan":1e999}'],
  ...[
    '['.repeat(3_000),
    `${'{"a":'.repeat(200)}1${'}'.repeat(200)}`,
    `{"plan":"${'x'.repeat(70_000)}"}`,
  ],
];

/** Requests for any operation but those of `without`. */
export function requestsOf(known: Known, without: ReadonlySet<string>): fc.Arbitrary<Asked> {
  const operations = Object.entries(DOCUMENT.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  );
  const wanted = operations.filter(({ operation }) => !without.has(operation.operationId));
  return fc.oneof(
    ...wanted.map(({ path, method, operation }) => requestOf(path, method, operation, known)),
  );
}

function requestOf(
  path: string,
  method: string,
  { operationId, parameters = [], requestBody }: Operation,
  known: Known,
): fc.Arbitrary<Asked> {
  const given = parameters.map(({ name, in: place, required, schema }) => {
    const of = place === 'path' ? `${path.split('/')[1]}.${name}` : name;
    const isThere = required ? fc.constant(true) : fc.boolean();
    return fc.tuple(fc.constant({ name, place }), isThere, anyValue(schema as Schema, of, known));
  });
  const schema = requestBody?.content['application/json']?.schema as Schema | undefined;
  const right = anyValue(schema ?? {}, 'body', known).map((value) => JSON.stringify(value));
  const body = fc.oneof(
    { weight: 19, arbitrary: right },
    { weight: 1, arbitrary: fc.constantFrom(...BROKEN) },
  );
  const type = fc.constantFrom(...Array<string>(39).fill('application/json'), 'text/plain');
  return fc.tuple(fc.tuple(...given), body, type).map(([parts, content, contentType]) => {
    const search = new URLSearchParams();
    const headers: Record<string, string> = { host: 'localhost' };
    let target = path;
    for (const [{ name, place }, isThere, value] of parts) {
      const word = wordOf(value);
      if (place === 'path') target = target.replace(`{${name}}`, encodeURIComponent(word) || '-');
      else if (isThere && place === 'query') search.set(name, word);
      else if (isThere) headers[name] = word.replace(/[^\x20-\x7e]/g, '?').slice(0, 300) || 'k';
    }
    if (method === 'post') headers['content-type'] = contentType;
    const query = search.size === 0 ? '' : `?${search}`;
    const sent = method === 'post' ? content : undefined;
    return { operationId, method: method.toUpperCase(), path: target + query, headers, body: sent };
  });
}

function wordOf(value: unknown): string {
  return (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).toWellFormed();
}
