/**
 * A tool as it is declared: what a model is told of it, what it takes, who may call it. Servers, tests and
 * the page of the tools read the same declaration.
 */
import type { z } from 'zod';
import { RunchartError } from '../errors.js';
import type { OrchestratorView } from '../orchestrator-view.js';
import type { JsonObject } from '../plan/json.js';
import type { Plan } from '../plan/schema.js';
import type { Answer } from './answer.js';

/** Roles that a tool may need; the same that routes need. */
export type ToolRole = 'reader' | 'operator' | 'worker';

/** What the tools work with. */
export type ToolHost = Pick<
  OrchestratorView,
  | 'runs'
  | 'tasks'
  | 'work'
  | 'change'
  | 'evaluators'
  | 'start'
  | 'signal'
  | 'cancel'
  | 'retryNode'
  | 'watch'
>;

/** The plans that can be named. */
export interface OfferedPlans {
  list(): readonly OfferedPlanEntry[];
  has(name: string): boolean;
  /** Throws `plan-unknown`. */
  get(name: string): OfferedPlanEntry;
}

interface OfferedPlanEntry {
  readonly name: string;
  readonly version: { readonly hash: string; readonly plan: Plan };
  readonly metadata: JsonObject;
}

/** A call that is to change something. */
export interface NotedCall {
  readonly tool: string;
  /** The run that it is about, where it names one. */
  readonly run?: string;
}

/** On whose behalf a tool is called. */
export interface Caller {
  readonly host: ToolHost;
  readonly plans: OfferedPlans;
  /** Who asks, for the log, unless the call says. */
  readonly by: string;
  /** Whether the caller may call a tool that needs the role; he may call all unless given. */
  mayCall?(role: ToolRole): boolean;
  /** Notes a call that is to change something, refused ones too, before it is done; what it gives is told the outcome. */
  noteCall?(call: NotedCall): (error?: unknown) => void;
}

/** One call: the caller, and when the call is given up. */
export interface Call extends Caller {
  readonly signal: AbortSignal;
}

export interface Tool {
  readonly name: string;
  readonly title: string;
  /** For a model: when to call it, and what to do next. */
  readonly description: string;
  readonly role: ToolRole;
  readonly input: z.ZodObject;
  /** What a call changes: nothing, only more of something, or what is there. */
  readonly changes: 'nothing' | 'adds' | 'destroys';
  /** Whether the same call again does nothing more. */
  readonly isIdempotent: boolean;
  call(input: unknown, call: Call): Promise<Answer>;
}

interface ToolSpec<Input extends z.ZodObject> extends Omit<Tool, 'input' | 'call'> {
  readonly input: Input;
  call(input: Given<z.infer<Input>>, call: Call): Promise<Answer>;
}

/** A member of what was read as JSON is there, or is not: it is never undefined. */
type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Declares a tool; `call` gets what its schema has let through. */
export function tool<Input extends z.ZodObject>(spec: ToolSpec<Input>): Tool {
  return {
    ...spec,
    call: (input, call) => spec.call(readInput(spec, input), call),
  };
}

function readInput<Input extends z.ZodObject>(
  { name, input }: ToolSpec<Input>,
  given: unknown,
): Given<z.infer<Input>> {
  const parsed = input.safeParse(given);
  if (parsed.success) return parsed.data as Given<z.infer<Input>>;
  throw new RunchartError('argument-invalid', `${name} does not take these arguments`, {
    hint: 'the issues say what is expected where',
    issues: parsed.error.issues.map(({ message, path }) => ({
      severity: 'blocking',
      code: 'invalid-value',
      message,
      path: path.map((part) => `/${String(part)}`).join(''),
    })),
  });
}
