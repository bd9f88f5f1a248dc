/** What a dry run was given instead of samples: outputs, and answers of people, by node. */
import { isJsonObject, type JsonObject, type JsonValue } from '../plan/json.js';

/** What an action comes to. */
export type Outcome =
  | {
      readonly is: 'output';
      readonly output: JsonValue | undefined;
      readonly action: string | undefined;
    }
  | { readonly is: 'failure'; readonly class: string };

/** One for every call, or a list of them for successive calls, the last of which goes on. */
export class Givens {
  readonly #values: Readonly<Record<string, JsonValue>>;

  constructor(values: Readonly<Record<string, JsonValue>> = {}) {
    this.#values = values;
  }

  has(names: readonly string[]): boolean {
    return this.#keyOf(names) !== undefined;
  }

  /** By the path of a node run, its name in the plan, or its id; undefined where nothing is given. */
  get(names: readonly string[], calls: Map<string, number>): JsonValue | undefined {
    const key = this.#keyOf(names);
    if (key === undefined) return undefined;
    const value = this.#values[key];
    if (!Array.isArray(value)) return value;
    const call = calls.get(key) ?? 0;
    calls.set(key, call + 1);
    return value[Math.min(call, value.length - 1)];
  }

  get keys(): readonly string[] {
    return Object.keys(this.#values);
  }

  #keyOf(names: readonly string[]): string | undefined {
    return names.find((name) => Object.hasOwn(this.#values, name));
  }
}

/** `{action, output?}`, `{fails: class}`, or the output itself. */
export function toOutcome(given: JsonValue): Outcome {
  if (isJsonObject(given)) {
    const { action, fails, output } = given;
    if (typeof fails === 'string' && hasOnly(given, ['fails'])) {
      return { is: 'failure', class: fails };
    }
    if (typeof action === 'string' && hasOnly(given, ['action', 'output'])) {
      return { is: 'output', output, action };
    }
  }
  return { is: 'output', output: given, action: undefined };
}

function hasOnly(value: JsonObject, keys: readonly string[]): boolean {
  return Object.keys(value).every((key) => keys.includes(key));
}

/** An outcome in the words of a choice. */
export function describeOutcome(outcome: Outcome): string {
  if (outcome.is === 'failure') return `fails with ${outcome.class}`;
  const { action, output } = outcome;
  const value = output === undefined ? '' : shorten(output);
  return action === undefined ? value : `action ${action} ${value}`.trim();
}

/** A value on one line, in its beginning where it is long. */
export function shorten(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}
