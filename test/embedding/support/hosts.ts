/** Plans, an orchestrator on a file of its own, and machines of somebody else's that have runs. */
import { onTestFinished } from 'vitest';
import {
  type ActorRefFrom,
  type AnyActorRef,
  assign,
  type DoneActorEvent,
  type Snapshot,
  setup,
  spawnChild,
  stopChild,
} from 'xstate';
import type { Handlers, Logger } from '../../../src/actors/handlers.js';
import { createOrchestrator } from '../../../src/create-orchestrator.js';
import type { RunLogic } from '../../../src/embedding/run-logic.js';
import type { RunLogicContext } from '../../../src/embedding/run-pointer.js';
import type { Orchestrator } from '../../../src/orchestrator.js';
import { plan } from '../../../src/plan/builder.js';
import { temporaryDatabase } from '../../support/temporary.js';

export interface Person {
  readonly name: string;
}

/** Greets at once. */
export const greet = plan<Person, string>('Greet', { result: 'nodes["greet"].output' })
  .action('greet', { handler: 'greet' })
  .build();

/** Greets once a person agrees. */
export const askFirst = plan<Person, string>('Ask first', { result: 'nodes["greet"].output' })
  .approval('ask')
  .action('greet', { handler: 'greet' })
  .edge('ask', 'greet', { map: { name: 'inputs.name' } })
  .build();

export const fail = plan<Person, string>('Fail').action('fail', { handler: 'fail' }).build();

const HANDLERS: Handlers = {
  greet: ({ name }) => `Hello ${name}`,
  fail: () => {
    throw new Error('out of words');
  },
};

/** Whoever calls it closes what it opens. */
export function openAt(url: string, logger?: Logger): Promise<Orchestrator> {
  return createOrchestrator({ url, handlers: HANDLERS, ...(logger && { logger }) });
}

/** An orchestrator that is closed when the test is over. */
export async function open(url = temporaryDatabase(), logger?: Logger): Promise<Orchestrator> {
  const orchestrator = await openAt(url, logger);
  onTestFinished(() => orchestrator.close());
  return orchestrator;
}

interface HostContext {
  readonly name: string;
  readonly id: string | undefined;
  readonly greeting: string | null;
  readonly error: unknown;
}

/** Invokes a run in `greeting`; `leave` leaves that state. */
export function invokingHost(logic: RunLogic<Person, string>) {
  return setup({
    types: {
      context: {} as HostContext,
      input: {} as { name: string; id?: string },
      events: {} as { type: 'leave' } | { type: 'again' },
      output: {} as string | null,
    },
    actors: { greeting: logic },
  }).createMachine({
    id: 'host',
    context: ({ input: { name, id } }) => ({ name, id, greeting: null, error: null }),
    initial: 'greeting',
    states: {
      greeting: {
        invoke: {
          id: 'run',
          src: 'greeting',
          input: ({ context: { name, id } }) => ({
            input: { name },
            ...(id !== undefined && { id }),
          }),
          onDone: { target: 'greeted', actions: assign({ greeting: ({ event }) => event.output }) },
          onError: { target: 'failed', actions: assign({ error: ({ event }) => event.error }) },
        },
        on: { leave: 'left', again: { target: 'greeting', reenter: true } },
      },
      greeted: { type: 'final' },
      failed: {},
      left: {},
    },
    output: ({ context }) => context.greeting,
  });
}

/** Spawns a run for each name; `drop` stops one. */
export function spawningHost(logic: RunLogic<Person, string>) {
  return setup({
    types: {
      context: {} as { readonly greetings: readonly string[] },
      events: {} as
        | { type: 'greet'; name: string }
        | { type: 'drop'; name: string }
        | DoneActorEvent<string>,
    },
    actors: { greeting: logic },
  }).createMachine({
    id: 'spawning',
    context: { greetings: [] },
    on: {
      greet: {
        actions: spawnChild('greeting', {
          id: ({ event }) => event.name,
          input: ({ event }) => ({ input: { name: (event as { name: string }).name } }),
        }),
      },
      drop: { actions: stopChild(({ event }) => (event as { name: string }).name) },
      'xstate.done.actor.*': {
        actions: assign({
          greetings: ({ context, event }) => [...context.greetings, event.output],
        }),
      },
    },
  });
}

/** The id of the run that a child of a host stands for. */
export function runOf(host: AnyActorRef, child = 'run'): string {
  return pointerOf(host, child).run;
}

export function pointerOf(host: AnyActorRef, child = 'run'): RunLogicContext {
  return childOf(host, child).getSnapshot().context;
}

export function childOf(host: AnyActorRef, child = 'run'): ActorRefFrom<RunLogic<Person, string>> {
  return host.getSnapshot().children[child];
}

/** What a host would have on disk. */
export function persisted(host: AnyActorRef): Snapshot<unknown> {
  return JSON.parse(JSON.stringify(host.getPersistedSnapshot()));
}

/** Answers the only open task of a run. */
export async function approve(orchestrator: Orchestrator, run: string): Promise<void> {
  await orchestrator.settled(run);
  const task = (await orchestrator.runs.tasks({ run }))[0];
  await orchestrator.respond(task?.id ?? '', { response: { approved: true } });
}
