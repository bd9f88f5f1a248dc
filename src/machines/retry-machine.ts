/**
 * A statechart that tries a piece of work as often as a retry policy allows. It stands alone: `attempt` is
 * provided by whoever uses it. Attempts are numbered from 1 on; a wait that is restored goes on with its rest.
 */
import {
  assign,
  type DoneActorEvent,
  type ErrorActorEvent,
  fromPromise,
  type PromiseActorLogic,
  setup,
} from 'xstate';
import type { JsonValue } from '../plan/json.js';
import { backoffLogic } from './backoff-logic.js';
import type { Failure } from './node-run-events.js';
import { backsOff, mayRetry, NO_RETRY, type RetryPolicy } from './retry-policy.js';

/** What the retry machine is given. */
export interface RetryInput {
  /** What is not said is as in a policy of one try. */
  readonly policy: Partial<RetryPolicy>;
  /** Goes to each attempt. */
  readonly input?: unknown;
}

/** What the retry machine remembers. */
export interface RetryContext {
  readonly policy: RetryPolicy;
  readonly input: unknown;
  /** Number of the newest attempt. */
  readonly attempt: number;
  readonly failure: Failure | null;
  readonly value: unknown;
}

/** What all tries came to. */
export type RetryOutput =
  | { readonly status: 'completed'; readonly value: unknown; readonly attempts: number }
  | { readonly status: 'failed'; readonly failure: Failure; readonly attempts: number };

/** What an attempt is given. */
export interface AttemptInput {
  readonly input: unknown;
  /** From 1 on. */
  readonly attempt: number;
}

/** The logic of one try; it fails by rejecting. */
export interface AttemptLogic extends PromiseActorLogic<unknown, AttemptInput> {}

const noAttempt: AttemptLogic = fromPromise<unknown, AttemptInput>(() =>
  Promise.reject(new Error('provide the actor "attempt"')),
);

const definitions = setup({
  types: {
    context: {} as RetryContext,
    input: {} as RetryInput,
    output: {} as RetryOutput,
  },
  actors: {
    attempt: noAttempt,
    backoff: backoffLogic,
  },
  guards: {
    mayRetry: ({ context: { policy, attempt } }, failure: Failure) =>
      mayRetry(policy, attempt - 1, failure),
    mayRetryAtOnce: ({ context: { policy, attempt } }, failure: Failure) =>
      mayRetry(policy, attempt - 1, failure) && !backsOff(policy),
  },
  actions: {
    countAttempt: assign({ attempt: ({ context }) => context.attempt + 1 }),
    keepValue: assign({ value: (_, value: unknown) => value, failure: null }),
    keepFailure: assign({ failure: (_, failure: Failure) => failure }),
  },
});

const failed = ({ event }: { event: ErrorActorEvent }) => failureOf(event.error);
const produced = ({ event }: { event: DoneActorEvent }) => event.output;
const keepFailure = { type: 'keepFailure', params: failed } as const;

/** The statechart of work that is tried as often as a policy allows. Provide `attempt`. */
export const retryMachine = definitions.createMachine({
  id: 'retry',
  context: ({ input: { policy, input } }) => ({
    policy: { ...NO_RETRY, ...policy },
    input,
    attempt: 0,
    failure: null,
    value: null,
  }),
  initial: 'attempting',
  states: {
    attempting: {
      entry: 'countAttempt',
      invoke: {
        src: 'attempt',
        input: ({ context: { input, attempt } }) => ({ input, attempt }),
        onDone: {
          target: 'completed',
          actions: { type: 'keepValue', params: produced },
        },
        onError: [
          {
            guard: { type: 'mayRetryAtOnce', params: failed },
            target: 'attempting',
            reenter: true,
            actions: keepFailure,
          },
          {
            guard: { type: 'mayRetry', params: failed },
            target: 'backingOff',
            actions: keepFailure,
          },
          { target: 'failed', actions: keepFailure },
        ],
      },
    },
    backingOff: {
      invoke: {
        src: 'backoff',
        input: ({ context: { policy, attempt } }) => ({ policy, retry: attempt }),
        onDone: 'attempting',
      },
    },
    completed: { type: 'final' },
    failed: { type: 'final' },
  },
  output: ({ context: { failure, value, attempt } }) =>
    failure === null
      ? { status: 'completed', value, attempts: attempt }
      : { status: 'failed', failure, attempts: attempt },
});

/**
 * What was thrown, as a plain record: an error would not survive in a snapshot. An error may name its
 * `class`, its `code` and whether it is `retryable`.
 */
function failureOf(error: unknown): Failure {
  const thrown = (typeof error === 'object' && error !== null ? error : {}) as Partial<Failure>;
  const { class: failureClass, code, message, retryable, detail } = thrown;
  return {
    class: typeof failureClass === 'string' ? failureClass : 'exception',
    code: typeof code === 'string' ? code : 'exception',
    message: typeof message === 'string' ? message : String(error),
    retryable: retryable !== false,
    ...(detail !== undefined && { detail: detail as JsonValue }),
  };
}
