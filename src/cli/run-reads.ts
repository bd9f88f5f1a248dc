/** What commands read of runs: in a database, or from a server. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '../client/index.js';
import type { ReplayView, RunEvent, RunReader, RunStatus, VerificationView } from '../index.js';

export type RunReads = Pick<
  RunReader,
  | ('list' | 'summary' | 'details' | 'plan' | 'stateAt' | 'events' | 'why' | 'task' | 'tasks')
  | ('attempts' | 'artifacts' | 'artifact' | 'diagram' | 'replay' | 'verify' | 'export')
>;

export interface RunSource {
  readonly runs: RunReads;
  settled(id: string): Promise<RunStatus>;
  events(
    id: string,
    options: { readonly after: number; readonly signal?: AbortSignal },
  ): AsyncIterable<RunEvent>;
}

/** How often a server is asked for the status of a run that is followed, in milliseconds. */
const POLL_MS = 500;
const MOVING: ReadonlySet<string> = new Set(['pending', 'ready', 'running']);

/** The status in which a run comes to rest; asked for again and again. */
export async function restOf(
  runs: Pick<RunReads, 'summary'>,
  id: string,
  pollMs: number,
): Promise<RunStatus> {
  for (;;) {
    const { status } = await runs.summary(id);
    if (!MOVING.has(status)) return status;
    await pause(pollMs);
  }
}

/** The runs of a server. Rejects with a ProblemError. */
export function remoteReads(client: Client): RunReads {
  return {
    list: async (filter) => [...(await client.listRuns(filter)).runs],
    summary: (id) => client.snapshot(id, []),
    details: (id) => client.getRun({ id }),
    plan: (hash) => client.getPlanVersion({ hash }) as never,
    stateAt: (id, at) => client.getRunState({ id, at }),
    events: async (id, after = 0, limit = 1_000) => [
      ...(await client.listEvents({ id, after, limit })).events,
    ],
    why: (id, node) => client.explainNode({ id, node }),
    task: (id) => client.getTask({ id }),
    tasks: async ({ answerableBy, ...filter } = {}) => [
      ...(await client.listTasks({ ...filter, ...forSomebody(answerableBy?.name) })).tasks,
    ],
    attempts: async (id, node, { after, limit } = {}) => [
      ...(
        await client.listAttempts({
          id,
          ...(node !== undefined && { node }),
          ...(after !== undefined && {
            after: `${after.node}/${after.generation}/${after.attempt}`,
          }),
          ...(limit !== undefined && { limit }),
        })
      ).attempts,
    ],
    artifacts: async (id, { after, limit } = {}) => [
      ...(
        await client.listArtifacts({
          id,
          ...(after !== undefined && { after: `${after.name}/${after.version}` }),
          ...(limit !== undefined && { limit }),
        })
      ).artifacts,
    ],
    artifact: (id, name, version) =>
      client.getArtifact({ id, name, ...(version !== undefined && { version }) }),
    diagram: (id) => client.getRunDiagram({ id }),
    replay: (id, { to: at } = {}) =>
      client.replayRun({ id, ...(at !== undefined && { at }) }) as unknown as Promise<ReplayView>,
    verify: (id) => client.verifyRun({ id }) as Promise<VerificationView>,
    async *export(id) {
      const decoder = new TextDecoder();
      const stream: AsyncIterable<Uint8Array> = await client.exportRun({ id });
      for await (const bytes of stream) yield decoder.decode(bytes, { stream: true });
    },
  };
}

function forSomebody(name: string | undefined) {
  return name === undefined ? {} : { answerableBy: name };
}

/** A run of a server, followed over its stream of events. */
export function remoteSource(client: Client): RunSource {
  const runs = remoteReads(client);
  return {
    runs,
    settled: (id) => restOf(runs, id, POLL_MS),
    async *events(id, options) {
      try {
        yield* client.events(id, options);
      } catch (error) {
        if (options.signal?.aborted !== true) throw error;
      }
    },
  };
}
