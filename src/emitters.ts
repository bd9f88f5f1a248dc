/**
 * Which component an event comes from. It follows from the type and the detail of the event, so that nothing of it
 * is stored, and logs of earlier versions have it too. Pure.
 */
import type { JsonObject, JsonValue } from './plan/json.js';
import { RUN_EVENT_TYPES, type RunEventType } from './run-event-types.js';

/**
 * What an event comes from: `run` and `node-run`, which decide; `executor`, a handler or an external worker; `caller`,
 * whoever asks for something, a principal, a program or another run; `process`, which carries the run; `timer`.
 */
export const EMITTER_KINDS = ['run', 'node-run', 'executor', 'caller', 'process', 'timer'] as const;

/** What an event comes from: its kind, and its name where the event has that. */
export interface Emitter {
  readonly kind: (typeof EMITTER_KINDS)[number];
  /** Of a caller his name, of an executor the worker, of another run its id. */
  readonly name?: string;
}

type Derive = (detail: JsonObject) => Emitter;

const named =
  (kind: Emitter['kind'], member: string): Derive =>
  (detail) => ({ kind, ...nameIn(detail[member]) });

const run: Derive = () => ({ kind: 'run' });
const nodeRun: Derive = () => ({ kind: 'node-run' });
const executor: Derive = () => ({ kind: 'executor' });
const process: Derive = () => ({ kind: 'process' });
const asked = named('caller', 'by');

/** Who closes an attempt as interrupted, by the code of its reason. */
const INTERRUPTED_BY: Readonly<Record<string, Emitter['kind']>> = {
  'lease-expired': 'timer',
  released: 'executor',
};

/** Types that the component in front of their dot does not emit; all others it does. */
const OTHERS: { readonly [Type in RunEventType]?: Derive } = {
  'run.cancel-requested': asked,
  'run.replanned': asked,
  'run.forked': asked,
  'run.annotated': asked,
  'run.stepped': asked,
  'run.recovered': process,
  'plan.extended': executor,
  'node.reported': executor,
  'attempt.claimed': named('executor', 'worker'),
  'attempt.refused': (detail) => ({
    // What it has is told of a worker from outside alone.
    kind: detail.versions === undefined ? 'process' : 'executor',
    ...nameIn(detail.worker),
  }),
  'attempt.progressed': executor,
  'attempt.heartbeat': executor,
  'attempt.result-refused': executor,
  'attempt.call-refused': executor,
  'attempt.interrupted': ({ code }) => ({ kind: INTERRUPTED_BY[String(code)] ?? 'process' }),
  'check.interrupted': process,
  'child.changed': named('run', 'child'),
  'signal.received': asked,
  'task.claimed': asked,
  'task.released': asked,
  'task.delegated': asked,
  'task.assigned': asked,
  'task.extended': asked,
  'task.responded': named('caller', 'responder'),
  'task.response-refused': named('caller', 'responder'),
  'timer.fired': () => ({ kind: 'timer' }),
  'timer.postponed': process,
};

const BY_PREFIX: Readonly<Record<string, Derive>> = {
  operator: asked,
  ...Object.fromEntries(
    ['run', 'nodes', 'artifacts', 'tasks', 'signals', 'edge', 'join', 'compensation'].map(
      (prefix) => [prefix, run],
    ),
  ),
};

const EMITTERS: ReadonlyMap<string, Derive> = new Map(
  RUN_EVENT_TYPES.map((type) => [
    type,
    OTHERS[type] ?? BY_PREFIX[type.split('.', 1)[0] ?? ''] ?? nodeRun,
  ]),
);

/** What the event comes from; of a type that is not known its node run, or the run. */
export function emitterOf(type: string, node: string | null, detail: JsonObject): Emitter {
  const emitter = (EMITTERS.get(type) ?? nodeRun)(detail);
  return emitter.kind === 'node-run' && node === null ? { kind: 'run' } : emitter;
}

function nameIn(value: JsonValue | undefined): { readonly name?: string } {
  return typeof value === 'string' ? { name: value } : {};
}
