/** Makes one function of a handler, whatever its form: phases are called one after another. */
import { RunchartError } from '../errors.js';
import type {
  HandlerContext,
  HandlerFunction,
  LifecycleClass,
  LifecycleHandler,
  LocalHandler,
} from './handlers.js';

/** Throws a RunchartError `argument-invalid` on what is no handler. */
export function asFunction(key: string, handler: LocalHandler): HandlerFunction {
  if (typeof handler === 'function') {
    return isLifecycleClass(handler)
      ? (input, context) => runLifecycle(instanceOf(key, handler), input, context)
      : handler;
  }
  if (typeof handler?.exec === 'function') {
    return (input, context) => runLifecycle(handler, input, context);
  }
  throw new RunchartError(
    'argument-invalid',
    `handler "${key}" is neither a function nor has it exec()`,
  );
}

/** A class may have its phases as fields, which only its instances have: it is known by its text then. */
function isLifecycleClass(handler: HandlerFunction | LifecycleClass): handler is LifecycleClass {
  const prototype: unknown = handler.prototype;
  const hasExec = typeof prototype === 'object' && prototype !== null && 'exec' in prototype;
  return hasExec || /^class\b/.test(Function.prototype.toString.call(handler));
}

function instanceOf(key: string, handler: LifecycleClass): LifecycleHandler {
  const instance = new handler();
  if (typeof instance.exec === 'function') return instance;
  throw new RunchartError('argument-invalid', `handler "${key}" is a class without exec()`);
}

async function runLifecycle(
  handler: LifecycleHandler,
  input: unknown,
  context: HandlerContext,
): Promise<unknown> {
  try {
    const prepared = handler.prep ? await handler.prep(input, context) : input;
    // Nothing new starts once the run is ending, not even the next phase.
    context.signal.throwIfAborted();
    const value = await execute(handler, prepared, context);
    context.signal.throwIfAborted();
    return handler.post ? await handler.post(value, context) : value;
  } catch (error) {
    if (!context.signal.aborted) await handler.recover?.(error, context);
    throw error;
  }
}

async function execute(
  handler: LifecycleHandler,
  prepared: unknown,
  context: HandlerContext,
): Promise<unknown> {
  try {
    return await handler.exec(prepared, context);
  } catch (error) {
    const isLast = context.isLastTry || isHopeless(error);
    if (handler.fallback === undefined || !isLast || context.signal.aborted) throw error;
    return handler.fallback(error, prepared, context);
  }
}

/** Whether whoever threw it says that another try makes no sense. */
function isHopeless(error: unknown): boolean {
  return (
    typeof error === 'object' && error !== null && 'retryable' in error && error.retryable === false
  );
}
