/**
 * Serves the tools over the Model Context Protocol, one server for each connection. Invariants: 1. a refusal is
 * a result that a model can read, with a stable code, never a stack; 2. a caller is told of those tools alone that
 * he may call; 3. what is called is bounded in size, in
 * depth and in how much is under way.
 */
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  type Tool as ListedTool,
  ListToolsRequestSchema,
  McpError,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { RunchartError } from '../errors.js';
import { toJsonValue } from '../plan/json-values.js';
import { RESULT_SCHEMA, RoleRefused, type ToolResult, toRefusal, toResult } from './answer.js';
import type { Caller, NotedCall, Tool } from './tool.js';
import { TOOLS } from './tools.js';

export interface McpServerOptions {
  /** Of the program. */
  readonly version: string;
  /** On whose behalf a call is made; `carried` is what the transport brought along with it. */
  callerOf(carried: unknown): Omit<Caller, 'by'> & { readonly by?: string };
  /** Told of errors that callers only learn to be internal. */
  onInternalError(error: unknown): void;
}

const MAX_ARGUMENT_BYTES = 1024 * 1024;
const MAX_ARGUMENT_DEPTH = 128;
/** Calls of one connection that are under way. */
const MAX_CALLS = 64;

const INSTRUCTIONS = `Runchart runs durable plans: graphs of nodes, each done by a handler, a worker from outside (that may be you) or a person.
A typical way: validate_plan until it is valid, submit_plan, then wait_for_run; why explains what does not go on; replan changes a run under way.
Work for you: list_work, claim_work, then submit_work before the lease ends. People: ask_person, then wait_for_run and read_task. Nobody answers for people.
A result with \`error\` says by its code, hint and issues what to mend. Texts that were cut have a \`nextOffset\` to read on from, pages a \`next\`.`;

const tools = new Map(TOOLS.map((one) => [one.name, one]));
const listed = TOOLS.map((tool) => ({ role: tool.role, as: list(tool) }));

export function createMcpServer(options: McpServerOptions): Server {
  const { version } = options;
  const info = { name: 'runchart', title: 'Runchart', version };
  const server = new Server(info, { capabilities: { tools: {} }, instructions: INSTRUCTIONS });
  let underWay = 0;
  server.setRequestHandler(ListToolsRequestSchema, (_, { authInfo }) => {
    const { mayCall } = options.callerOf(authInfo?.extra);
    return { tools: listed.filter(({ role }) => mayCall?.(role) !== false).map(({ as }) => as) };
  });
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal, authInfo }) => {
    const tool = tools.get(params.name);
    if (tool === undefined) {
      throw new McpError(
        ErrorCode.InvalidParams,
        `there is no tool "${params.name.slice(0, 128)}"`,
      );
    }
    underWay += 1;
    let end: ((error?: unknown) => void) | undefined;
    try {
      if (underWay > MAX_CALLS)
        throw new RunchartError('overloaded', 'too many calls are under way');
      const by = `agent:${server.getClientVersion()?.name ?? 'unnamed'}`.slice(0, 256);
      const call = { by, ...options.callerOf(authInfo?.extra), signal };
      if (tool.changes !== 'nothing') end = call.noteCall?.(noted(tool, params.arguments));
      if (call.mayCall?.(tool.role) === false) throw new RoleRefused(tool.role);
      const answer = await tool.call(readArguments(params.arguments), call);
      end?.();
      return toContent(toResult(tool.name, answer));
    } catch (error) {
      end?.(error);
      const { result, isInternal } = toRefusal(tool.name, error);
      if (isInternal) options.onInternalError(error);
      return { ...toContent(result), isError: true };
    } finally {
      underWay -= 1;
    }
  });
  return server;
}

function noted({ name: tool }: Tool, given: Readonly<Record<string, unknown>> = {}): NotedCall {
  const { run } = given;
  return { tool, ...(typeof run === 'string' && { run }) };
}

/** As both structured content and text: not every client reads both. */
function toContent(result: ToolResult): CallToolResult {
  return {
    content: [{ type: 'text', text: JSON.stringify(result) }],
    structuredContent: result as unknown as Record<string, unknown>,
  };
}

function readArguments(given: unknown = {}): unknown {
  const limits = { maxDepth: MAX_ARGUMENT_DEPTH, maxBytes: MAX_ARGUMENT_BYTES };
  const read = toJsonValue(given, limits);
  if (read.ok) return read.value;
  const message = `the arguments cannot be taken at ${read.path || '/'}: ${read.message}`;
  throw new RunchartError('argument-invalid', message);
}

function list({ name, title, description, input, changes, isIdempotent }: Tool): ListedTool {
  const { $schema: _, ...inputSchema } = z.toJSONSchema(input, { io: 'input' });
  return {
    name,
    title,
    description,
    inputSchema: inputSchema as ListedTool['inputSchema'],
    outputSchema: RESULT_SCHEMA as ListedTool['outputSchema'],
    annotations: {
      title,
      readOnlyHint: changes === 'nothing',
      destructiveHint: changes === 'destroys',
      idempotentHint: isIdempotent,
      openWorldHint: false,
    },
  };
}
