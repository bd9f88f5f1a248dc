/** Workers in the kernel: what they claim and say goes through the public API, on simulated time. */
import { ArtifactPayloads } from '../../../src/actors/artifact-payloads.js';
import { HandlerRegistry } from '../../../src/actors/handler-registry.js';
import type { Handlers } from '../../../src/actors/handlers.js';
import type { Capability } from '../../../src/actors/messages.js';
import { external } from '../../../src/index.js';
import type { JsonValue } from '../../../src/plan/json.js';
import { memoryRows } from '../../../src/testing/memory-rows.js';
import { type ClaimedWork, Work } from '../../../src/work/work.js';
import { Kernel, type KernelOptions } from '../../support/kernel.js';
import { action, type Draft } from '../../support/plans.js';

export const LEASE_MS = 1_000;

/** An action that is done outside. */
export function far(id: string, more: object = {}): Draft {
  return action(id, { handler: 'far', ...more });
}

export class Outside extends Kernel {
  readonly #handlers: Handlers;
  #work: Work;
  #of: unknown;

  constructor(options: KernelOptions = {}) {
    const handlers = { far: external({ leaseMs: LEASE_MS }), ...options.handlers };
    super({ ...options, handlers });
    this.#handlers = handlers;
    this.#work = this.#newWork();
    this.#of = this.supervisor;
  }

  /** The API of the process that lives now. */
  get work(): Work {
    if (this.#of !== this.supervisor) this.#work = this.#newWork();
    this.#of = this.supervisor;
    return this.#work;
  }

  #newWork(): Work {
    const registry = new HandlerRegistry(this.#handlers);
    const { supervisor, storage, clock } = this;
    return new Work({
      board: supervisor.work,
      clock,
      logger: { debug() {}, info() {}, warn() {}, error() {} },
      payloads: new ArtifactPayloads(
        storage.artifacts,
        { inlinePayloadBytes: 64 * 1024, maxPayloadBytes: 1024 * 1024 },
        clock,
      ),
      capabilityOf: (handler) => registry.capabilityOf(handler),
      send: (run, message) => supervisor.send(run, message),
      claimedRuns: (claim) => memoryRows(storage).claimedRuns(claim),
      attempt: async (run, { node, generation, attempt }) =>
        storage.runs.get(run)?.attempts.get(`${node}/${generation}/${attempt}`),
    });
  }

  /** What a worker is given at once. */
  async claim(
    worker = 'w1',
    limit = 1,
    capabilities: readonly (string | Capability)[] = ['far'],
  ): Promise<readonly ClaimedWork[]> {
    return this.#done(this.work.claim({ worker, limit, capabilities }));
  }

  /** The one attempt that a worker is given. */
  async claimOne(worker = 'w1', capability: string | Capability = 'far'): Promise<ClaimedWork> {
    const [claimed] = await this.claim(worker, 1, [capability]);
    if (claimed === undefined) throw new Error('there is nothing to claim');
    return claimed;
  }

  complete({ token }: ClaimedWork, result: JsonValue = null) {
    return this.#done(this.work.complete(token, result));
  }

  heartbeat({ token }: ClaimedWork, payload?: JsonValue) {
    return this.#done(this.work.heartbeat(token, { payload }));
  }

  release({ token }: ClaimedWork) {
    return this.#done(this.work.release(token));
  }

  /** Code of the error that a call is refused with; the call has to be refused. */
  async refusal(call: Promise<unknown>): Promise<string> {
    const error: unknown = await call.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error === undefined) throw new Error('it was not refused');
    return (error as { code: string }).code;
  }

  async #done<T>(call: Promise<T>): Promise<T> {
    call.catch(() => {});
    await this.settle();
    return call;
  }
}
