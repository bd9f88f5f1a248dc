/** Takes the steps of a script, and reads what became of them. */
import { scopePathOf } from '../../src/actors/run/scope.js';
import { Kernel, type KernelOptions } from '../support/kernel.js';
import {
  compiledDraft,
  type RandomRun,
  RESPONDER,
  type Script,
  type ScriptedSignal,
  scriptedEnd,
  scriptedResponse,
} from './random-plans.js';
import { Reference } from './reference.js';
import type { ModelRun } from './reference-scopes.js';

/** Names a node run: `run` says through which subplans its run is found. */
interface Place {
  readonly run: string;
  /** Runs that were begun there before this one: each try of a subplan has its own. */
  readonly runsBefore: number;
  readonly node: string;
}

/** One thing that happens to a run from outside. */
export type Step =
  | { readonly type: 'cancel' }
  | { readonly type: 'pause' | 'resume'; readonly run: string }
  | { readonly type: 'grant'; readonly isGranted: boolean }
  | { readonly type: 'time'; readonly ms: number; readonly now: number }
  | { readonly type: 'signal'; readonly signal: ScriptedSignal }
  | ({ readonly type: 'retry'; readonly retries: number } & Place)
  /** `number`: answers to tasks of the node run before this one. */
  | ({ readonly type: 'answer'; readonly number: number } & Place)
  /** `number`: attempts of the node run that ended before this one. */
  | ({ readonly type: 'end'; readonly number: number } & Place);

/** What the script has used up. */
export interface Played {
  steps: number;
  signals: number;
  retries: number;
  grants: number;
}

export const nothingPlayed = (): Played => ({ steps: 0, signals: 0, retries: 0, grants: 0 });

/** Lets the reference take its next step; undefined where nothing is open any more. */
export function nextStep(reference: Reference, script: Script, played: Played): Step | undefined {
  const number = played.steps;
  const open = openThings(reference, script, played);
  if (open.length === 0 || number > MAX_STEPS) return undefined;
  played.steps += 1;
  if (number === script.cancelAt && reference.ending === undefined) {
    reference.cancel();
    return { type: 'cancel' };
  }
  const pause = script.pauses.find(({ at }) => at === number);
  const live = reference.world.runs.filter((run) => run.isLive && run.isWanted);
  const paused = live[(pause?.of ?? 0) % live.length];
  if (pause !== undefined && paused !== undefined) return togglePause(paused, pause.isStubborn);
  const choice = script.choices[number % script.choices.length] ?? 0;
  return (open[choice % open.length] as () => Step)();
}

/** `isStubborn`: one that is paused is paused once more. */
function togglePause(reference: Reference, isStubborn = false): Step {
  const { paused, address: run } = reference;
  const type = paused === undefined || isStubborn ? 'pause' : 'resume';
  reference[type]();
  return { type, run };
}

/** Random scripts come to an end long before. */
const MAX_STEPS = 150;

function openThings(reference: Reference, script: Script, played: Played): (() => Step)[] {
  if (reference.isOver) return [];
  const wanted = reference.world.runs.filter(({ isWanted }) => isWanted);
  const open = wanted.flatMap((run) =>
    run.all().flatMap((one) => openThing(run, one, script, played) ?? []),
  );
  const signal = reference.ending === undefined ? script.signals[played.signals] : undefined;
  if (signal !== undefined) {
    open.push(() => {
      played.signals += 1;
      reference.signal(signal.id, signal.name, signal.payload);
      return { type: 'signal', signal };
    });
  }
  for (const run of wanted) {
    if (run.isLive && run.paused !== undefined) open.push(() => togglePause(run));
  }
  if (reference.asked !== undefined && reference.ending === undefined) {
    open.push(() => {
      played.grants += 1;
      const isGranted = played.grants < 4;
      reference.grant(isGranted);
      return { type: 'grant', isGranted };
    });
  }
  if (reference.hasTimers && !(script.isTimeless && open.length > 0)) {
    open.push(() => {
      const ms = reference.passTime();
      return { type: 'time', ms, now: reference.world.now };
    });
  }
  return open;
}

function openThing(
  reference: Reference,
  run: ModelRun,
  script: Script,
  played: Played,
): (() => Step) | undefined {
  const { path, node, status } = run;
  const { address, world } = reference;
  const begun = world.runs.filter((one) => one.address === address && one.isStarted);
  const place = { run: address, runsBefore: begun.indexOf(reference), node: path };
  if (run.hasSlot) {
    return () => {
      const number = reference.ends.get(path) ?? 0;
      reference.finish(path, scriptedEnd(script, path, number, run.input).ending);
      return { type: 'end', ...place, number };
    };
  }
  if (status === 'awaiting-human') {
    return () => {
      const number = reference.answers.get(path) ?? 0;
      const kind = run.phase === 'judging' ? 'human-check' : node.kind;
      const { response, outcome } = scriptedResponse(script, kind, path, number);
      reference.respond(path, response, outcome);
      return { type: 'answer', ...place, number };
    };
  }
  const isStuck = status === 'blocked' || (status === 'failed' && run.scope.kind !== 'items');
  const mayRetry =
    isStuck &&
    reference.ending === undefined &&
    run.scope.aborted === undefined &&
    !reference.isOver;
  if (!mayRetry || played.retries >= script.retries) return undefined;
  return () => {
    played.retries += 1;
    reference.retry(path);
    return { type: 'retry', ...place, retries: played.retries };
  };
}

/** All steps of a script, and the reference after the last of them. */
export function rehearse(random: RandomRun): { steps: Step[]; reference: Reference } {
  const { script } = random;
  const reference = new Reference(compiledDraft(random), script.input, script.concurrency);
  const played = nothingPlayed();
  reference.start();
  const steps: Step[] = [];
  for (;;) {
    const step = nextStep(reference, script, played);
    if (step === undefined) return { steps, reference };
    steps.push(step);
  }
}

/** Id of the run that is found through the node runs of an address; undefined where there is none. */
export function runAt(kernel: Kernel, address: string): string | undefined {
  let run: string | undefined = 'r1';
  for (const path of address === '' ? [] : address.split('>')) {
    run = run && kernel.storage.runs.get(run)?.nodeRuns.get(path)?.inside?.split(' ')[0];
  }
  return run;
}

/** How many runs were begun at an address. */
export function runsBegunAt(kernel: Kernel, address: string): number {
  const addressOf = (id: string): string => {
    const { parentId, parentNode } = kernel.rows(id).record;
    if (parentId === null) return '';
    const around = addressOf(parentId);
    return `${around === '' ? '' : `${around}>`}${parentNode}`;
  };
  return [...kernel.storage.runs.keys()].filter((id) => addressOf(id) === address).length;
}

/** Takes a step in the kernel. */
export async function take(kernel: Kernel, script: Script, step: Step): Promise<void> {
  const run = 'run' in step ? (runAt(kernel, step.run) ?? 'no run') : 'r1';
  switch (step.type) {
    case 'cancel':
      await answered(kernel, kernel.cancel());
      break;
    case 'pause':
    case 'resume':
      await answered(kernel, kernel.send({ type: `run.${step.type}` }, run));
      break;
    case 'grant':
      await answered(kernel, kernel.respond('', { approved: step.isGranted }));
      break;
    case 'time':
      await kernel.advance(step.ms);
      break;
    case 'signal': {
      const { id, name, payload } = step.signal;
      await answered(kernel, kernel.send({ type: 'signal.send', id, name, payload }));
      break;
    }
    case 'retry':
      await answered(kernel, kernel.send({ type: 'node.retry', node: step.node, by: null }, run));
      break;
    case 'answer': {
      const kind = kernel.openTasks(run).find(({ node }) => node === step.node)?.kind ?? '';
      const { response } = scriptedResponse(script, kind, step.node, step.number);
      await answered(kernel, kernel.respond(step.node, response, RESPONDER, run));
      break;
    }
    case 'end': {
      const attempt = kernel.attempt(step.node, run);
      const input = JSON.parse(kernel.rows(run).nodeRuns.get(step.node)?.inputJson ?? 'null');
      const { does } = scriptedEnd(script, step.node, step.number, input);
      if ('throws' in does) attempt.throw(does.throws);
      else attempt.return(does.returns);
    }
  }
  await kernel.settle();
}

/** Starts a run of the script's plan. */
export async function begin(kernel: Kernel, random: RandomRun): Promise<void> {
  const { input, concurrency } = random.script;
  await answered(kernel, kernel.start(compiledDraft(random), { input, concurrency }));
}

/** Plays a script from its start to its last step. */
export async function playAll(
  random: RandomRun,
  steps: readonly Step[],
  options: KernelOptions = {},
): Promise<Kernel> {
  const kernel = new Kernel(options);
  await begin(kernel, random);
  for (const step of steps) await take(kernel, random.script, step);
  return kernel;
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

/** Events of nodes that the reference has other words for than the status. */
const WORDS: Readonly<Record<string, string>> = {
  'node.stopping': 'stopping',
  'node.retry-due': 'due',
  'node.fallback-due': 'fallback-due',
  'node.fallback-started': 'fallback',
};

/** The events of nodes and evaluated edges, in the words of the reference. */
export function logOfNodes(kernel: Kernel, run = 'r1'): string[] {
  return kernel.rows(run).events.flatMap(({ type, node, detailJson }, place, events) => {
    const { to, edge, outcome } = JSON.parse(detailJson) as Detail;
    if (type === 'edge.evaluated') return [`${scopePathOf(node ?? '')}:${edge} ${outcome}`];
    if (node === null || !type.startsWith('node.') || to === undefined) return [];
    const before = events[place - 1];
    const isJudged = before?.type === 'task.closed' && before.node === node;
    if (type === 'node.stopping' && isJudged) return [`${node} unjudged`];
    return [`${node} ${WORDS[type] ?? to}`];
  });
}

/** The log with each group of withdrawals in alphabetical order: all of them are decided at once. */
export function withdrawalsSorted(log: readonly string[]): string[] {
  const sorted: string[] = [];
  let group: string[] = [];
  for (const line of [...log, '']) {
    if (/ (cancelled|stopping|unjudged)$/.test(line)) group.push(line);
    // What is not judged any more counts at once.
    else if (group.at(-1) === line.replace(/ partial$/, ' unjudged')) continue;
    else {
      sorted.push(...group.sort(), line);
      group = [];
    }
  }
  return sorted;
}
