/** Reads what the command line names: plans, inputs, modules of handlers. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type CompileOptions,
  compilePlan,
  type Evaluators,
  type Groups,
  type Handlers,
  type Issue,
  type JsonValue,
  type Middleware,
  type PlanVersion,
  parsePlanText,
  type WebhookOptions,
} from '../index.js';
import { UNEVALUATED } from '../plan/evaluator.js';
import { UsageError } from './failure.js';

export type PlanReading =
  | { readonly ok: true; readonly version: PlanVersion }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** Compiles the plan in a file of JSON or YAML. Throws a UsageError where there is no such file. */
export async function readPlan(
  file: string,
  evaluators: CompileOptions['evaluators'] = {},
): Promise<PlanReading> {
  const parsed = parsePlanText(await readText(file));
  return parsed.ok ? compilePlan(parsed.draft, { evaluators }) : parsed;
}

/** As `readPlan`, in any language: whoever runs it knows that. Throws a UsageError with all issues. */
export async function requirePlan(file: string): Promise<PlanVersion> {
  const reading = await readPlan(file, () => UNEVALUATED);
  if (reading.ok) return reading.version;
  throw new UsageError(`${file} is not a plan that can run`, { issues: reading.issues });
}

/** The name that a plan is offered by: its file's, or that of the folder around a `plan.yaml`. */
export function planName(file: string): string {
  const name = basename(file, extname(file));
  return name === 'plan' ? basename(dirname(resolve(file))) : name;
}

/** JSON or YAML from a file, from standard input (`-`), or in place where it begins with a brace or bracket. */
export async function readValue(source: string): Promise<JsonValue> {
  const text = /^\s*[{[]/.test(source) ? source : await readText(source);
  const parsed = parsePlanText(text);
  if (parsed.ok) return parsed.draft;
  const name = text === source ? 'the text' : source;
  throw new UsageError(`${name} is neither JSON nor YAML`, { issues: parsed.issues });
}

/** What an application hands to the orchestrator. */
export interface Application {
  readonly handlers: Handlers;
  readonly groups?: Groups;
  readonly evaluators?: Evaluators;
  readonly services?: unknown;
  readonly middleware?: readonly Middleware[];
  readonly webhooks?: WebhookOptions;
}

/**
 * The handlers that a module exports, as its default or by that name, and its `groups`, `evaluators`,
 * `services`, `middleware` and `webhooks` where it has them. Without a module there are none.
 */
export async function loadApplication(file: string | undefined): Promise<Application> {
  if (file === undefined) return { handlers: {} };
  const path = resolve(file);
  let module: Partial<Application> & { readonly default?: unknown };
  try {
    module = (await import(pathToFileURL(path).href)) as typeof module;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`the handlers in ${file} could not be loaded: ${reason}`, {
      hint: 'name an ES module with --handlers',
    });
  }
  const handlers = module.handlers ?? module.default;
  const { groups, evaluators, services, middleware, webhooks } = module;
  if (typeof handlers === 'object' && handlers !== null) {
    return {
      handlers: handlers as Handlers,
      services,
      ...(groups && { groups }),
      ...(evaluators && { evaluators }),
      ...(middleware && { middleware }),
      ...(webhooks && { webhooks }),
    };
  }
  throw new UsageError(`${file} exports no handlers`, {
    hint: 'export an object of functions by key, as `handlers` or as the default',
  });
}

async function readText(file: string): Promise<string> {
  try {
    return file === '-' ? await readStandardInput() : await readFile(file, 'utf8');
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no' : 'cannot read';
    throw new UsageError(`${reason} ${file}`);
  }
}

async function readStandardInput(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk;
  return text;
}
