/**
 * What a tool answers, in one shape for every tool: what was done, in words too, how things stand, and
 * what was asked for. Refusals have the same shape, with the error. Nothing of the inside goes out.
 */
import { RunchartError } from '../errors.js';
import { StorageError } from '../open-reader.js';
import type { Issue } from '../plan/issue.js';
import type { JsonObject } from '../plan/json.js';
import type { Plan } from '../plan/schema.js';
import { cut, shown } from './bounded.js';

/** A plan version in a line; `read_plan` has all of it. */
export interface PlanInShort {
  readonly hash: string;
  readonly title?: string;
  readonly nodes?: number;
  readonly edges?: number;
}

/** What a tool answers, beside what was asked for. */
export interface Answer {
  /** What was done, in a sentence. */
  readonly message: string;
  /** Of the run, where there is one. */
  readonly status: string;
  /** The node run that was changed. */
  readonly changedNodeId?: string;
  readonly plan?: PlanInShort;
  readonly [asked: string]: unknown;
}

/** An answer as it goes out. */
export interface ToolResult extends Answer {
  /** The tool that answers. */
  readonly action: string;
  /** Whether there is a plan that the answer is about. */
  readonly hasPlan: boolean;
}

/** JSON Schema of what every tool answers. */
export const RESULT_SCHEMA = {
  type: 'object' as const,
  properties: {
    action: { type: 'string', description: 'The tool that answers' },
    message: { type: 'string', description: 'What was done, in a sentence' },
    status: {
      type: 'string',
      description: 'Status of the run, where there is one; `refused` with an error',
    },
    changedNodeId: { type: 'string', description: 'Path of the node run that was changed' },
    hasPlan: { type: 'boolean', description: 'Whether there is a plan that the answer is about' },
    plan: {
      type: 'object',
      description: 'The plan version in a line; read_plan has all of it',
      properties: {
        hash: { type: 'string' },
        title: { type: 'string' },
        nodes: { type: 'integer' },
        edges: { type: 'integer' },
      },
      required: ['hash'],
    },
    error: {
      type: 'object',
      description: 'Why the call was refused',
      properties: {
        code: { type: 'string', description: 'Stable' },
        retryable: { type: 'boolean', description: 'Whether the same call may succeed later' },
        hint: { type: 'string', description: 'What to do about it' },
        issues: { type: 'array', items: { type: 'object' } },
      },
      required: ['code', 'retryable'],
    },
  },
  required: ['action', 'message', 'status', 'hasPlan'],
  additionalProperties: true,
};

export function toResult(action: string, answer: Answer): ToolResult {
  const { message, status, ...asked } = answer;
  return { action, message, status, hasPlan: answer.plan !== undefined, ...asked };
}

/** A tool is for a role that its caller has not. */
export class RoleRefused extends Error {
  constructor(role: string) {
    super(`this is for the role ${role}, which the token has not`);
  }
}

const MAX_MESSAGE = 2_000;
const MAX_ISSUES = 20;

/** A refusal; `isInternal` where the log has to say what it was. */
export function toRefusal(
  action: string,
  error: unknown,
): { readonly result: ToolResult; readonly isInternal: boolean } {
  const { message, ...told } = describe(error);
  return {
    result: {
      action,
      message: cut(message, MAX_MESSAGE),
      status: 'refused',
      hasPlan: false,
      error: told,
    },
    isInternal: told.code === 'internal',
  };
}

interface Told {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly hint?: string;
  readonly issues?: readonly object[];
  readonly issueCount?: number;
  readonly data?: object;
}

function describe(error: unknown): Told {
  if (error instanceof RunchartError && error.code !== 'internal') {
    const { code, message, retryable, hint, issues, data } = error;
    return {
      code,
      // Its own lists the issues, which follow anyway.
      message: code === 'plan-invalid' ? 'the plan is not valid' : message,
      retryable,
      ...(hint !== undefined && { hint: cut(hint, MAX_MESSAGE) }),
      ...(issues.length > 0 && inShortIssues(issues)),
      ...(data !== undefined && { data: shown(data as JsonObject) }),
    };
  }
  if (error instanceof RoleRefused) {
    return { code: 'role-refused', message: error.message, retryable: false };
  }
  if (error instanceof StorageError) {
    const { code, message, hint } = error;
    return { code, message, retryable: true, ...(hint !== undefined && { hint }) };
  }
  const message = 'something went wrong inside; the log of the server says what';
  return { code: 'internal', message, retryable: false };
}

/** Findings, the first of them in full, and how many there are. */
export function inShortIssues(issues: readonly Issue[]): {
  readonly issues: readonly object[];
  readonly issueCount: number;
} {
  return {
    issues: issues.slice(0, MAX_ISSUES).map(({ severity, code, message, path, hint }) => ({
      severity,
      code,
      path: cut(path, 500),
      message: cut(message, 500),
      ...(hint !== undefined && { hint: cut(hint, 500) }),
    })),
    issueCount: issues.length,
  };
}

export function inShort(hash: string, plan?: Plan): PlanInShort {
  if (plan === undefined) return { hash };
  return { hash, title: plan.title, nodes: plan.nodes.length, edges: plan.edges.length };
}
