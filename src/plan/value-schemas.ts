/**
 * JSON Schemas of a plan (2020-12), compiled once per plan version. No schema of an author makes
 * validation slow or throw: patterns run on RE2, uniqueItems is linear, failures are issues.
 */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { canonicalJson } from './canonical.js';
import type { Reporter } from './findings.js';
import type { Issue } from './issue.js';
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';
import { compilePattern } from './patterns.js';
import type { ValueValidator } from './plan-version.js';
import { pointer } from './pointer.js';
import type { SchemaReference } from './schema.js';

const MAX_SCHEMAS = 1_000;
const MAX_SUBSCHEMAS = 10_000;
const MAX_UNIQUE_ITEMS = 100_000;
const MAX_ISSUES = 100;

const DIALECT = /^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;

export class ValueSchemas {
  readonly #ajv = newAjv();
  readonly #findings: Reporter;
  readonly #named = new Map<string, ValueValidator | undefined>();
  readonly #inline = new Map<string, ValueValidator | undefined>();

  constructor(findings: Reporter) {
    this.#findings = findings;
  }

  /** Compiles the named schemas; they may refer to each other by `{$ref: name}`. */
  addNamed(schemas: Readonly<Record<string, SchemaReference>>): void {
    const usable: string[] = [];
    for (const [name, schema] of Object.entries(schemas)) {
      this.#named.set(name, undefined);
      const path = pointer('schemas', name);
      if (typeof schema === 'string' || !this.#inspect(schema, path)) continue;
      this.#guard(path, undefined, () => this.#ajv.addSchema(schema, name)) && usable.push(name);
    }
    for (const name of usable) {
      this.#guard(pointer('schemas', name), undefined, () => {
        const compiled = this.#ajv.getSchema(name);
        if (compiled !== undefined) this.#named.set(name, validatorOf(compiled));
      });
    }
  }

  /** The validator of a name or an inline schema; undefined where there is none or it is at fault. */
  resolve(
    reference: SchemaReference | undefined,
    path: string,
    node?: string,
  ): ValueValidator | undefined {
    if (reference === undefined) return undefined;
    if (typeof reference === 'string') return this.#resolveName(reference, path, node);
    const key = canonicalJson(reference);
    if (!this.#inline.has(key)) this.#inline.set(key, this.#compileInline(reference, path, node));
    return this.#inline.get(key);
  }

  #resolveName(name: string, path: string, node?: string): ValueValidator | undefined {
    if (!this.#named.has(name)) {
      this.#findings.block({
        code: 'unknown-schema',
        message: `There is no schema named '${name}'`,
        path,
        node,
        hint: 'Add it to `schemas`, or write the schema in place',
      });
    }
    return this.#named.get(name);
  }

  #compileInline(
    schema: JsonObject | boolean,
    path: string,
    node?: string,
  ): ValueValidator | undefined {
    let validator: ValueValidator | undefined;
    if (!this.#inspect(schema, path, node)) return undefined;
    this.#guard(path, node, () => {
      validator = validatorOf(this.#ajv.compile(schema));
    });
    return validator;
  }

  /** Runs `step`; what it throws becomes an issue. */
  #guard(path: string, node: string | undefined, step: () => void): boolean {
    try {
      step();
      return true;
    } catch (error) {
      this.#block(error instanceof Error ? error.message : String(error), path, node);
      return false;
    }
  }

  #inspect(schema: JsonObject | boolean, path: string, node?: string): boolean {
    if (this.#named.size + this.#inline.size > MAX_SCHEMAS) {
      this.#block(`A plan with more than ${MAX_SCHEMAS} different schemas`, path, node);
      return false;
    }
    const faults = schemaFaults(schema);
    for (const fault of faults) {
      this.#block(fault.message, path + fault.path, node, fault.hint);
    }
    return faults.length === 0;
  }

  #block(message: string, path: string, node: string | undefined, hint?: string): void {
    this.#findings.block({ code: 'invalid-schema', message, path, node, hint });
  }
}

function newAjv(): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors: true,
    strict: false,
    // In 2020-12 a format describes and does not refuse.
    validateFormats: false,
    // The shared meta-validator below has checked the schema.
    validateSchema: false,
    meta: false,
    logger: false,
    ownProperties: true,
    addUsedSchema: false,
    code: { regExp: re2Engine },
  });
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    validate: (unique: boolean, items: JsonValue[]) => !unique || allDifferent(items),
    error: { message: 'must NOT have duplicate items' },
  });
  return ajv;
}

// Ajv keeps one compiled pattern per text of `toString`.
const re2Engine = Object.assign(
  (source: string) => ({ ...compilePattern(source), toString: () => source }),
  { code: 'compilePattern' },
);

function allDifferent(items: readonly JsonValue[]): boolean {
  return new Set(items.map(canonicalJson)).size === items.length;
}

let metaValidator: Ajv2020 | undefined;

interface SchemaFault {
  readonly message: string;
  readonly path: string;
  readonly hint?: string;
}

/** What makes a schema unusable, without compiling it. */
function schemaFaults(schema: JsonObject | boolean): readonly SchemaFault[] {
  if (typeof schema === 'boolean') return [];
  const dialect = schema.$schema;
  if (dialect !== undefined && !(typeof dialect === 'string' && DIALECT.test(dialect))) {
    const hint = 'Schemas are read as JSON Schema 2020-12: convert it and leave $schema out';
    return [{ message: 'A schema of another dialect', path: '/$schema', hint }];
  }
  metaValidator ??= new Ajv2020({ strict: false, logger: false, validateFormats: false });
  if (metaValidator.validateSchema(schema) !== true) {
    return (metaValidator.errors ?? []).slice(0, 5).map((error) => ({
      message: error.message ?? 'Not a JSON Schema',
      path: error.instancePath,
    }));
  }
  return subschemaFaults(schema);
}

const MAPS_OF_SCHEMAS: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
]);
const KEYWORDS_WITH_DATA: ReadonlySet<string> = new Set(['enum', 'const', 'default', 'examples']);

function subschemaFaults(root: JsonObject): readonly SchemaFault[] {
  const faults: SchemaFault[] = [];
  const open: { readonly schema: JsonObject; readonly path: string }[] = [
    { schema: root, path: '' },
  ];
  for (let seen = 0; open.length > 0; seen++) {
    if (seen > MAX_SUBSCHEMAS) {
      return [{ message: `More than ${MAX_SUBSCHEMAS} subschemas`, path: '' }];
    }
    const { schema, path } = open.pop() as (typeof open)[number];
    faults.push(...keywordFaults(schema, path));
    for (const [keyword, value] of Object.entries(schema)) {
      if (KEYWORDS_WITH_DATA.has(keyword)) continue;
      for (const [tail, child] of childSchemas(keyword, value)) {
        open.push({ schema: child, path: path + tail });
      }
    }
  }
  return faults;
}

function childSchemas(keyword: string, value: JsonValue): [string, JsonObject][] {
  if (typeof value !== 'object' || value === null) return [];
  const isMany = Array.isArray(value) || MAPS_OF_SCHEMAS.has(keyword);
  const entries: [string, JsonValue][] = isMany
    ? Object.entries(value).map(([key, child]) => [pointer(keyword, key), child])
    : [[pointer(keyword), value]];
  return entries.filter((entry): entry is [string, JsonObject] => isJsonObject(entry[1]));
}

function keywordFaults(schema: JsonObject, path: string): SchemaFault[] {
  const faults: SchemaFault[] = [];
  if (schema.$async !== undefined) {
    faults.push({ message: '$async is not supported', path: `${path}/$async` });
  }
  const { maxItems } = schema;
  if (
    schema.uniqueItems === true &&
    !(typeof maxItems === 'number' && maxItems <= MAX_UNIQUE_ITEMS)
  ) {
    const message = `uniqueItems without maxItems of at most ${MAX_UNIQUE_ITEMS}`;
    faults.push({ message, path: `${path}/uniqueItems`, hint: 'Add maxItems' });
  }
  const { pattern, patternProperties } = schema;
  if (typeof pattern === 'string') faults.push(...patternFaults(pattern, `${path}/pattern`));
  for (const key of Object.keys((patternProperties ?? {}) as JsonObject)) {
    faults.push(...patternFaults(key, path + pointer('patternProperties', key)));
  }
  return faults;
}

function patternFaults(source: string, path: string): SchemaFault[] {
  try {
    compilePattern(source);
    return [];
  } catch (error) {
    const message = `Pattern refused: ${error instanceof Error ? error.message : String(error)}`;
    return [{ message, path, hint: 'Patterns are RE2: no look-around, no back-references' }];
  }
}

function validatorOf(validate: ValidateFunction): ValueValidator {
  return (value) => {
    try {
      if (validate(value) === true) return [];
      return (validate.errors ?? []).slice(0, MAX_ISSUES).map(mismatch);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return [
        {
          severity: 'blocking',
          code: 'schema-mismatch',
          message: `Not checkable: ${message}`,
          path: '',
        },
      ];
    }
  };
}

function mismatch(error: ErrorObject): Issue {
  const name = error.instancePath === '' ? 'The value' : error.instancePath;
  return {
    severity: 'blocking',
    code: 'schema-mismatch',
    message: `${name} ${error.message ?? 'does not match the schema'}`,
    path: error.instancePath,
    detail: { keyword: error.keyword, schemaPath: error.schemaPath },
  };
}
