/** Entry of the threads and processes in which isolated handlers work, one call at a time. */
import { type MessagePort, parentPort, Worker } from 'node:worker_threads';
import type { HandlerFunction, LocalHandler } from '../actors/handlers.js';
import { asFunction } from '../actors/lifecycle.js';
import type { JsonValue } from '../plan/json.js';
import { toJsonValue } from '../plan/json-values.js';
import type { CallMessage, FromWorker, PayloadMessage, ToWorker } from './messages.js';
import { fromSentError, toSentError } from './sent-error.js';
import { type Said, type Say, type WorkerMeans, workerContext } from './worker-context.js';

interface Work {
  readonly call: string;
  readonly controller: AbortController;
  /** Payloads that were asked for, by number. */
  readonly reads: Map<number, (found: PayloadMessage['found']) => void>;
}

let current: Work | undefined;
let lastRead = 0;

const send = parentPort ? sendFromThread : sendFromProcess;

function sendFromThread(message: FromWorker): void {
  parentPort?.postMessage(message);
}

/** A channel that broke is no matter of the handler: the process ends with it. */
function sendFromProcess(message: FromWorker): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

function onMessage(message: ToWorker): void {
  if (message.type === 'call') return void work(message);
  if (message.call !== current?.call) return;
  if (message.type === 'abort') current.controller.abort(fromSentError(message.reason));
  else current.reads.get(message.number)?.(message.found);
}

async function work(message: CallMessage): Promise<void> {
  const mine: Work = {
    call: message.call,
    controller: new AbortController(),
    reads: new Map(),
  };
  current = mine;
  const say: Say = (said) => {
    if (current === mine) send({ ...said, call: mine.call });
  };
  const { signal } = mine.controller;
  const read = (pointer: string) => readOutside(mine, say, pointer);
  const answer = await answerTo(message, { signal, say, read });
  say(answer);
  current = undefined;
}

function readOutside({ reads }: Work, say: Say, pointer: string): Promise<JsonValue> {
  return new Promise((resolve, reject) => {
    const number = lastRead + 1;
    lastRead = number;
    reads.set(number, (found) => {
      reads.delete(number);
      if ('value' in found) resolve(found.value);
      else reject(fromSentError(found.error));
    });
    say({ type: 'payload-wanted', number, pointer: String(pointer) });
  });
}

async function answerTo(message: CallMessage, means: WorkerMeans): Promise<Said> {
  let handler: HandlerFunction;
  try {
    handler = await load(message.module, message.export);
  } catch (error) {
    return { type: 'refused', code: 'handler-not-loadable', message: describe(message, error) };
  }
  try {
    means.signal.throwIfAborted();
    const context = workerContext(message, means);
    const call = () => handler(message.input, context);
    if (context.trace === undefined) return toAnswer(await call());
    const { withinTrace } = await import('../telemetry/active-trace.js');
    return toAnswer(await withinTrace(context.trace, call));
  } catch (error) {
    return { type: 'threw', error: toSentError(error) };
  }
}

async function load(module: string, name: string): Promise<HandlerFunction> {
  const exports: Record<string, unknown> = await import(module);
  // What is no handler is refused, and lifecycles are called phase by phase.
  return asFunction(name, exports[name] as LocalHandler);
}

function describe({ module, export: name }: CallMessage, error: unknown): string {
  const sent = toSentError(error);
  const why = sent.type === 'error' ? sent.message : String(sent.value);
  return `the export "${name}" of ${module} is no handler, or cannot be loaded: ${why}`;
}

/** Only JSON leaves: what a copy would lose or change in silence is refused here, as outside. */
function toAnswer(value: unknown): Said {
  const converted = toJsonValue(value);
  if (converted.ok) return { type: 'returned', value: converted.value };
  const at = converted.path === '' ? 'the result' : `the result at ${converted.path}`;
  return { type: 'refused', code: 'result-not-json', message: `${at}: ${converted.message}` };
}

/** Ctrl-C and SIGTERM reach the whole group: the parent decides when its handlers end. */
function serveProcess(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
  process.on('message', onMessage).on('disconnect', () => process.exit());
  new Worker(new URL('./orphan-watch.js', import.meta.url), {
    workerData: Number(process.argv[2]),
  }).unref();
}

/** Reading a thread's stdout outside would keep the program alive; its stderr does not. */
function serveThread(port: MessagePort): void {
  Object.defineProperty(process, 'stdout', { get: () => process.stderr });
  port.on('message', onMessage);
}

if (parentPort) serveThread(parentPort);
else serveProcess();
