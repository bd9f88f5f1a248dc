/** Asks for a value that a JSON Schema describes, field by field; what no question fits is asked for as JSON. */
import type { JsonObject, JsonValue } from '../index.js';

/** Puts a question to the person at the terminal. */
export interface Terminal {
  question(text: string): Promise<string>;
}

/** Undefined where the person leaves out what may be left out. */
export async function askForm(
  terminal: Terminal,
  schema: JsonValue,
  label: string,
  isRequired = true,
): Promise<JsonValue | undefined> {
  for (;;) {
    const answer = await askOnce(terminal, asObject(schema), label, isRequired);
    if (answer !== UNCLEAR) return answer;
  }
}

/** What is missing of an object that is known in part. */
export async function askRest(
  terminal: Terminal,
  schema: JsonValue,
  known: JsonObject,
): Promise<JsonObject> {
  const { required } = asObject(schema);
  const properties = asObject(asObject(schema).properties ?? {});
  const answer = { ...known };
  for (const name of Array.isArray(required) ? required.map(String) : []) {
    if (name in answer) continue;
    const value = await askForm(terminal, properties[name] ?? {}, name);
    if (value !== undefined) answer[name] = value;
  }
  return answer;
}

/** The answer was none: it is asked for again. */
const UNCLEAR = Symbol('unclear');
type Answer = JsonValue | undefined | typeof UNCLEAR;

async function askOnce(
  terminal: Terminal,
  schema: JsonObject,
  label: string,
  isRequired: boolean,
): Promise<Answer> {
  const choices = choicesOf(schema);
  if (choices !== undefined) return askChoice(terminal, choices, label, isRequired);
  const hint = isRequired ? '' : ', blank for none';
  switch (schema.type) {
    case 'object':
      if (schema.properties !== undefined) return askObject(terminal, schema, label);
      break;
    case 'boolean':
      return readBoolean(await terminal.question(`${label}? [y/n${hint}] `), isRequired);
    case 'integer':
    case 'number':
      return readNumber(await terminal.question(`${label} (a number${hint}): `), isRequired);
    case 'string': {
      const text = await terminal.question(`${label}${hint}: `);
      return text === '' && !isRequired ? undefined : text;
    }
    case 'array':
      if (asObject(schema.items ?? {}).type === 'string') return askLines(terminal, label);
      break;
    default:
  }
  return readJson(await terminal.question(`${label} (JSON${hint}): `), isRequired);
}

async function askObject(terminal: Terminal, schema: JsonObject, label: string) {
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  const answer: JsonObject = {};
  for (const [name, property] of Object.entries(asObject(schema.properties ?? {}))) {
    const { title } = asObject(property);
    const path = label === '' ? name : `${label}.${name}`;
    const shown = typeof title === 'string' ? `${title} (${path})` : path;
    const value = await askForm(terminal, property, shown, required.has(name));
    if (value !== undefined) answer[name] = value;
  }
  return answer;
}

interface Choice {
  readonly value: JsonValue;
  readonly title: string;
}

function choicesOf(schema: JsonObject): readonly Choice[] | undefined {
  const { enum: values, oneOf } = schema;
  if (Array.isArray(values)) {
    return values.map((value) => ({
      value,
      title: typeof value === 'string' ? value : JSON.stringify(value),
    }));
  }
  if (!Array.isArray(oneOf)) return undefined;
  const choices = oneOf
    .map(asObject)
    .flatMap(({ const: value, title }): Choice[] =>
      value === undefined
        ? []
        : [{ value, title: typeof title === 'string' ? title : String(value) }],
    );
  return choices.length === oneOf.length ? choices : undefined;
}

async function askChoice(
  terminal: Terminal,
  choices: readonly Choice[],
  label: string,
  isRequired: boolean,
): Promise<Answer> {
  const list = choices.map(({ title }, index) => `  ${index + 1}  ${title}\n`).join('');
  const text = (await terminal.question(`${label}:\n${list}which? `)).trim();
  if (text === '' && !isRequired) return undefined;
  const chosen = choices[Number(text) - 1] ?? choices.find(({ title }) => title === text);
  return chosen === undefined ? UNCLEAR : chosen.value;
}

/** One a line; a blank line ends them. */
async function askLines(terminal: Terminal, label: string): Promise<string[]> {
  const lines: string[] = [];
  while (lines.length < MAX_LINES) {
    const line = await terminal.question(`${label} ${lines.length + 1} (blank to end): `);
    if (line.trim() === '') break;
    lines.push(line);
  }
  return lines;
}

const MAX_LINES = 1_000;

function readBoolean(text: string, isRequired: boolean): Answer {
  const letter = text.trim().toLowerCase().charAt(0);
  if (letter === '' && !isRequired) return undefined;
  return letter === 'y' ? true : letter === 'n' ? false : UNCLEAR;
}

function readNumber(text: string, isRequired: boolean): Answer {
  if (text.trim() === '') return isRequired ? UNCLEAR : undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : UNCLEAR;
}

function readJson(text: string, isRequired: boolean): Answer {
  if (text.trim() === '' && !isRequired) return undefined;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return UNCLEAR;
  }
}

function asObject(value: JsonValue): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
