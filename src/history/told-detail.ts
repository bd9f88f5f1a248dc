/** What the details of events say, as far as a run follows from it. */
import type { Reason } from '../machines/node-run-events.js';
import type { ArtifactPart, SignalPart, TaskPart } from './run-snapshot.js';

/** The members that details of events have; see docs/events.md. */
export interface ToldDetail {
  readonly from?: string | null;
  readonly to?: string;
  readonly generation?: number;
  readonly nodes?: readonly unknown[];
  readonly reason?: Reason;
  readonly plan?: string;
  readonly outcome?: string;
  readonly action?: string;
  readonly edge?: string;
  readonly condition?: string;
  readonly result?: boolean | null;
  readonly error?: { readonly code: string; readonly message: string };
  readonly asks?: boolean;
  readonly inputs?: readonly string[];
  readonly task?: string;
  readonly kind?: string;
  readonly status?: string;
  readonly name?: string;
  readonly version?: number;
  readonly standing?: 'accepted' | 'rejected';
  readonly artifacts?: readonly ArtifactPart[];
  readonly tasks?: readonly TaskPart[];
  readonly signals?: readonly SignalPart[];
  readonly dueAt?: number;
  readonly signal?: string;
}
