/** Reads a plan from JSON or YAML text, bounded in size, depth and aliases. Faults are issues with a position. */

import type { Document, Scalar, YAMLError } from 'yaml';
import { isScalar, parseDocument, visit } from 'yaml';
import { Findings } from './findings.js';
import { isFlowchart } from './flowchart.js';
import { planFromMermaid } from './from-mermaid.js';
import { locateJsonError } from './json-syntax.js';
import { toJsonValue } from './json-values.js';
import type { ParseResult } from './parse-result.js';
import { repeatedKeys } from './repeated-keys.js';
import { positionIn, type TextPosition } from './text-position.js';
import { nestsDeeperThan } from './yaml-depth.js';

export type PlanFormat = 'json' | 'yaml' | 'mermaid' | 'detect';

/** Characters of JSON text. */
const MAX_JSON_LENGTH = 64 * 1024 * 1024;
/** Above this the place of a fault is not looked for. */
const MAX_LOCATED_LENGTH = 1024 * 1024;
/** YAML is read far more slowly. */
const MAX_YAML_LENGTH = 1024 * 1024;
const MAX_DEPTH = 128;
const MAX_ALIASES = 100;
const MAX_ERRORS = 20;

/** Parses a text; `detect` takes what begins with a brace for JSON. Never throws. */
export function parsePlanText(text: string, options: { format?: PlanFormat } = {}): ParseResult {
  const { format = 'detect' } = options;
  if (format === 'mermaid' || (format === 'detect' && isFlowchart(text))) {
    return planFromMermaid(text);
  }
  const findings = new Findings();
  const isJson = isJsonText(text, format);
  const maxLength = isJson ? MAX_JSON_LENGTH : MAX_YAML_LENGTH;
  if (text.length > maxLength) {
    const message = `The text is longer than ${maxLength} characters`;
    findings.block({ code: 'too-large', message, path: '' });
    return { ok: false, issues: findings.list() };
  }
  const value = isJson ? parseJson(text, findings) : parseYaml(text, findings);
  if (findings.blocked) return { ok: false, issues: findings.list() };
  return checkValue(value, findings);
}

function isJsonText(text: string, format: PlanFormat): boolean {
  return format === 'detect' ? /^\s*\{\s*["}]/.test(text) : format === 'json';
}

function parseJson(text: string, findings: Findings): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const detail = positionIn(text, text.length > MAX_LOCATED_LENGTH ? 0 : locateJsonError(text));
    const message = `Not JSON from line ${detail.line}, column ${detail.column} on`;
    findings.block({ code: 'invalid-json', message, path: '', detail });
    return undefined;
  }
  let reported = 0;
  for (const { key, offset } of repeatedKeys(text)) {
    reportRepeatedKey('invalid-json', key, positionIn(text, offset), findings);
    reported += 1;
    if (reported === MAX_ERRORS) break;
  }
  return value;
}

function parseYaml(text: string, findings: Findings): unknown {
  if (nestsDeeperThan(text, MAX_DEPTH)) {
    const message = `Nested deeper than ${MAX_DEPTH} levels`;
    findings.block({ code: 'invalid-yaml', message, path: '' });
    return undefined;
  }
  try {
    // Both of the library's own are quadratic: the check of unique keys and its pretty errors.
    const document = parseDocument(text, {
      stringKeys: true,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'error',
    });
    for (const error of document.errors.slice(0, MAX_ERRORS)) reportYaml(error, text, findings);
    if (findings.blocked) return undefined;
    reportDuplicateKeys(document, text, findings);
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    findings.block(describeFailure(error));
    return undefined;
  }
}

function reportYaml(error: YAMLError, text: string, findings: Findings): void {
  const detail = positionIn(text, error.pos[0]);
  const message = error.message.split('\n')[0] ?? error.code;
  findings.block({ code: 'invalid-yaml', message, path: '', detail });
}

function reportDuplicateKeys(document: Document.Parsed, text: string, findings: Findings): void {
  let reported = 0;
  visit(document, {
    Map: (_key, map) => {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        if (!seen.has(key.value)) seen.add(key.value);
        else if (reported++ < MAX_ERRORS) reportDuplicateKey(key, text, findings);
        else return visit.BREAK;
      }
      return undefined;
    },
  });
}

function reportDuplicateKey(key: Scalar, text: string, findings: Findings): void {
  const place = positionIn(text, key.range?.[0] ?? 0);
  reportRepeatedKey('invalid-yaml', String(key.value), place, findings);
}

function reportRepeatedKey(
  code: string,
  key: string,
  detail: TextPosition,
  findings: Findings,
): void {
  const message = `The key '${key}' stands twice (line ${detail.line})`;
  findings.block({ code, message, path: '', detail });
}

/** The library throws on aliases that multiply; anything else is a fault of the text as well. */
function describeFailure(error: unknown): { code: string; message: string; path: string } {
  if (error instanceof ReferenceError) {
    return { code: 'too-many-aliases', message: `More than ${MAX_ALIASES} aliases`, path: '' };
  }
  return { code: 'invalid-yaml', message: String(error), path: '' };
}

function checkValue(value: unknown, findings: Findings): ParseResult {
  const result = toJsonValue(value, { maxDepth: MAX_DEPTH, maxBytes: MAX_JSON_LENGTH });
  if (result.ok && result.value !== undefined) return { ok: true, draft: result.value };
  findings.block(
    result.ok
      ? { code: 'not-json', message: 'The text is empty', path: '' }
      : { code: result.code, message: result.message, path: result.path },
  );
  return { ok: false, issues: findings.list() };
}
