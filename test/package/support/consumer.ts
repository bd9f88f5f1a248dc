/** What a program in TypeScript does with the package, strictly typed. It is compiled and run where that is installed. */
import {
  createOrchestrator,
  type PlanFor,
  plan,
  RunchartError,
  type RunEvent,
  type RunLogic,
} from 'runchart';
import { createHttpApp } from 'runchart/http';
import { nodeRunMachine, retryMachine } from 'runchart/machines';
import { testKit } from 'runchart/testing';
import { assign, createActor, setup, waitFor } from 'xstate';

interface Order {
  readonly parcel: string;
  readonly floor?: number;
}

const deliver: PlanFor<Order, string> = plan<Order, string>('Deliver', {
  result: 'nodes["carry"].output',
})
  .action('carry', { handler: 'carry' })
  .build();
const handlers = { carry: ({ parcel }: Order) => `${parcel} is there` };

export const hostOf = (logic: RunLogic<Order, string>) =>
  setup({
    types: { context: {} as { readonly said: string | null } },
    actors: { deliver: logic, retry: retryMachine },
  }).createMachine({
    context: { said: null },
    initial: 'delivering',
    states: {
      delivering: {
        invoke: {
          src: 'deliver',
          input: { input: { parcel: 'a book' } },
          onDone: { target: 'over', actions: assign({ said: ({ event }) => event.output }) },
        },
      },
      over: { type: 'final' },
    },
  });

const orchestrator = await createOrchestrator({ url: 'deliveries.db', handlers });
const host = createActor(hostOf(orchestrator.logic(deliver))).start();
await waitFor(host, (snapshot) => snapshot.status === 'done');
console.log(host.getSnapshot().context.said);

const app = createHttpApp(orchestrator);
console.log((await app.request('/health', { headers: { host: '127.0.0.1' } })).status);
const events: readonly RunEvent[] = await orchestrator.runs.events(
  (await orchestrator.runs.list())[0]?.id ?? '',
);
console.log(events.at(-1)?.type);
await orchestrator.cancel('nobody').catch((error: unknown) => {
  console.log(error instanceof RunchartError && error.code);
});
await orchestrator.close();

const kit = await testKit({ handlers });
console.log((await kit.run(deliver, { input: { parcel: 'a test', floor: 2 } })).status);
console.log(createActor(nodeRunMachine).start().getSnapshot().value);
