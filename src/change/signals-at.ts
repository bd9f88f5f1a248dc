/**
 * The signals of a run as they were at one of its events: those that no carried node run has received are
 * there to be received, with what they brought, which is the output of the generation that received them.
 */
import type { NodeRunRecord, SignalRecord } from '../actors/records.js';
import { pages } from '../pages.js';
import type { RunRows } from '../storage/run-rows.js';
import { eventsOfType } from './plan-at.js';

interface Delivery {
  readonly node: string;
  readonly seq: number;
}

/** Told by event `seq`; `carried` are node runs of the plan itself by id. */
export async function readSignals(
  rows: RunRows,
  run: number,
  seq: number,
  carried: ReadonlyMap<string, NodeRunRecord>,
): Promise<SignalRecord[]> {
  const deliveries = await readDeliveries(rows, run);
  const signals: SignalRecord[] = [];
  for await (const signal of pages<SignalRecord>((after) => rows.signals(run, after?.seq))) {
    if (signal.seq <= seq) signals.push(signal);
  }
  const untold = signals.filter(
    ({ id, deliveredTo }) =>
      deliveredTo !== null &&
      deliveredTo !== '' &&
      !carried.has(deliveredTo) &&
      !deliveries.has(id),
  );
  const brought = await payloadsOf(rows, run, untold, [...deliveries.values()]);
  const found: SignalRecord[] = [];
  for (const signal of signals) {
    const delivery = deliveries.get(signal.id);
    const isGivenBack =
      delivery !== undefined && !(delivery.seq <= seq && carried.has(delivery.node));
    const payloadJson = isGivenBack ? await payloadOf(rows, run, delivery) : brought.get(signal.id);
    found.push(payloadJson === undefined ? signal : { ...signal, deliveredTo: null, payloadJson });
  }
  return found;
}

/** By id of the signal, as far as the log tells. */
async function readDeliveries(rows: RunRows, run: number): Promise<ReadonlyMap<string, Delivery>> {
  const deliveries = new Map<string, Delivery>();
  for await (const event of eventsOfType(rows, run, 'signal.delivered')) {
    const { signal } = JSON.parse(event.detailJson) as { readonly signal: string };
    deliveries.set(signal, { node: event.node ?? '', seq: event.seq });
  }
  return deliveries;
}

/**
 * What signals brought whose delivery the log does not tell: retention took the event, or the run that
 * this one was forked from has it. The newest of a node was received by the newest generation of then.
 */
async function payloadsOf(
  rows: RunRows,
  run: number,
  untold: readonly SignalRecord[],
  told: readonly Delivery[],
): Promise<ReadonlyMap<string, string>> {
  const payloads = new Map<string, string>();
  for (const node of new Set(untold.map(({ deliveredTo }) => deliveredTo ?? ''))) {
    const first = told.find((delivery) => delivery.node === node);
    const receivers = (await generationsOf(rows, run, node)).filter(
      ({ status, seq }) => status === 'completed' && (first === undefined || seq <= first.seq),
    );
    for (const { id } of untold.filter(({ deliveredTo }) => deliveredTo === node).reverse()) {
      const payloadJson = receivers.pop()?.outputJson;
      if (payloadJson !== undefined && payloadJson !== null) payloads.set(id, payloadJson);
    }
  }
  return payloads;
}

async function payloadOf(rows: RunRows, run: number, { node, seq }: Delivery): Promise<string> {
  const receiver = (await generationsOf(rows, run, node)).find((row) => row.seq > seq);
  return receiver?.outputJson ?? 'null';
}

/** Every generation of a node run, oldest first. */
async function generationsOf(rows: RunRows, run: number, node: string): Promise<NodeRunRecord[]> {
  const generations: NodeRunRecord[] = [];
  const current = await rows.getNodeRun(run, node);
  if (current !== undefined) generations.push(current);
  const before = { node, generation: 0 };
  const past = pages<NodeRunRecord>((after) => rows.pastNodeRuns(run, after ?? before));
  for await (const row of past) {
    if (row.node !== node) break;
    generations.push(row);
  }
  return generations.sort((a, b) => a.seq - b.seq);
}
