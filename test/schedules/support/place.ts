/** An orchestrator on a real file, in simulated time, and plans for it. */
import { onTestFinished } from 'vitest';
import type { Handlers } from '../../../src/actors/handlers.js';
import { createOrchestrator } from '../../../src/create-orchestrator.js';
import type { Orchestrator } from '../../../src/orchestrator.js';
import type { Plan } from '../../../src/plan/schema.js';
import {
  type SimulatedEnvironment,
  simulatedEnvironment,
} from '../../../src/testing/simulation.js';
import { action, approval, plan } from '../../support/plans.js';
import { temporaryDatabase } from '../../support/temporary.js';

export const WORK: Plan = plan([action('a')]).plan;
export const ASK: Plan = plan([approval('ask')]).plan;

export interface Place {
  readonly orchestrator: Orchestrator;
  readonly environment: SimulatedEnvironment;
  readonly url: string;
  /** Errors that were logged. */
  readonly complaints: unknown[];
}

export interface PlaceOptions {
  readonly handlers?: Handlers;
  readonly recover?: boolean;
  /** The place whose database and time it goes on with. */
  readonly after?: Place;
}

export async function openPlace(options: PlaceOptions = {}): Promise<Place> {
  const { handlers = { work: (input: unknown) => ({ input }) }, recover = true, after } = options;
  const environment = after?.environment ?? simulatedEnvironment(1);
  const url = after?.url ?? temporaryDatabase();
  const complaints: unknown[] = [];
  const complain = (fields: object) => complaints.push((fields as { error?: unknown }).error);
  const logger = { debug() {}, info() {}, warn: complain, error: complain };
  const orchestrator = await createOrchestrator({ url, handlers, environment, recover, logger });
  onTestFinished(() => orchestrator.close());
  return { orchestrator, environment, url, complaints };
}
