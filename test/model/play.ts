/** Takes the steps of a script, and reads what became of them. */
import type { Kernel } from '../support/kernel.js';
import {
  compiledDraft,
  type RandomRun,
  type Script,
  scriptedEnd,
  scriptedResponse,
} from './random-plans.js';
import { Reference } from './reference.js';

/** One thing that happens to a run from outside. */
export type Step =
  | { readonly type: 'cancel' }
  | { readonly type: 'answer'; readonly node: string }
  /** `tries`: failed tries of the node before this one. */
  | { readonly type: 'end'; readonly node: string; readonly tries: number };

/** Lets the reference take its next step; undefined where nothing is open any more. */
export function nextStep(reference: Reference, script: Script, number: number): Step | undefined {
  const open = reference.open();
  if (open.length === 0) return undefined;
  if (number === script.cancelAt && reference.ending === undefined) {
    reference.cancel();
    return { type: 'cancel' };
  }
  const node = open[(script.choices[number % script.choices.length] ?? 0) % open.length] ?? '';
  if (reference.status.get(node) === 'awaiting-human') {
    const { response, outcome } = scriptedResponse(script, node);
    reference.respond(node, response, outcome);
    return { type: 'answer', node };
  }
  const tries = reference.tries.get(node) ?? 0;
  reference.finish(node, scriptedEnd(script, node, tries).ending);
  return { type: 'end', node, tries };
}

/** All steps of a script, and the reference after the last of them. */
export function rehearse(random: RandomRun): { steps: Step[]; reference: Reference } {
  const { script } = random;
  const reference = new Reference(compiledDraft(random), script.input, script.concurrency);
  reference.start();
  const steps: Step[] = [];
  for (;;) {
    const step = nextStep(reference, script, steps.length);
    if (step === undefined) return { steps, reference };
    steps.push(step);
  }
}

/** Takes a step in the kernel. */
export async function take(kernel: Kernel, script: Script, step: Step): Promise<void> {
  if (step.type === 'cancel') await answered(kernel, kernel.cancel());
  else if (step.type === 'answer') {
    const { response } = scriptedResponse(script, step.node);
    await answered(kernel, kernel.respond(step.node, response));
  } else {
    const { does } = scriptedEnd(script, step.node, step.tries);
    if ('throws' in does) kernel.attempt(step.node).throw(does.throws);
    else kernel.attempt(step.node).return(does.returns);
  }
  await kernel.settle();
}

/** Starts a run of the script's plan. */
export async function begin(kernel: Kernel, random: RandomRun): Promise<void> {
  const { input, concurrency } = random.script;
  await answered(kernel, kernel.start(compiledDraft(random), { input, concurrency }));
}

/** Waits for all that follows, and for the answer unless the process stopped before it got out. */
async function answered(kernel: Kernel, answer: Promise<unknown>): Promise<void> {
  await kernel.settle();
  if (!kernel.isDead) await answer;
}

interface Detail {
  readonly from?: string;
  readonly to?: string;
  readonly edge?: string;
  readonly outcome?: string;
}

/** The events of nodes and evaluated edges, in the words of the reference. */
export function logOfNodes(kernel: Kernel): string[] {
  return kernel.rows().events.flatMap(({ type, node, detailJson }) => {
    const { from, to, edge, outcome } = JSON.parse(detailJson) as Detail;
    if (type === 'edge.evaluated') return [`${edge} ${outcome}`];
    if (node === null || !type.startsWith('node.') || to === undefined) return [];
    return [`${node} ${from === to ? 'stopping' : to}`];
  });
}

/** The log with each group of withdrawals in alphabetical order: all of them are decided at once. */
export function withdrawalsSorted(log: readonly string[]): string[] {
  const sorted: string[] = [];
  let group: string[] = [];
  for (const line of [...log, '']) {
    if (/ (cancelled|stopping)$/.test(line)) group.push(line);
    else {
      sorted.push(...group.sort(), line);
      group = [];
    }
  }
  return sorted;
}
