/** A shop that is a machine of its own. Delivering is a run of a plan; what comes of it decides how the shop goes on. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createOrchestrator, plan } from 'runchart';
import { assign, createActor, setup, waitFor } from 'xstate';

const [pauseMs = 0] = process.argv.slice(2).map(Number);
const FILE = 'shop.json';

const deliver = plan('Deliver', { result: 'nodes["carry"].output' })
  .action('pack', { handler: 'pack' })
  .action('carry', { handler: 'carry' })
  .edge('pack', 'carry')
  .build();

const orchestrator = await createOrchestrator({
  url: 'shop.db',
  handlers: {
    pack: ({ goods }) => {
      console.log(`  packing ${goods}`);
      return `a parcel of ${goods}`;
    },
    carry: async (parcel, { signal }) => {
      console.log(`  carrying ${parcel}`);
      await sleep(pauseMs, undefined, { signal });
      return `${parcel} has arrived`;
    },
  },
});

const shop = setup({ actors: { delivery: orchestrator.logic(deliver) } }).createMachine({
  context: { goods: 'books', note: null },
  initial: 'delivering',
  states: {
    delivering: {
      invoke: {
        id: 'delivery',
        src: 'delivery',
        input: ({ context }) => ({ input: { goods: context.goods } }),
        onDone: { target: 'thanking', actions: assign({ note: ({ event }) => event.output }) },
        onError: {
          target: 'refunding',
          actions: assign({ note: ({ event }) => event.error.message }),
        },
      },
    },
    thanking: { type: 'final' },
    refunding: { type: 'final' },
  },
});

const snapshot = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : undefined;
const actor = createActor(shop, { snapshot });
const save = () => {
  writeFileSync(`${FILE}.new`, JSON.stringify(actor.getPersistedSnapshot()));
  renameSync(`${FILE}.new`, FILE);
};
actor.subscribe((now) => {
  save();
  console.log(now.value);
});
// Persisted in the listener: an event that was heard is not heard again.
actor.getSnapshot().children.delivery?.on('*', ({ seq, type }) => {
  save();
  console.log(`  ${seq} ${type}`);
});
actor.start();

const { context } = await waitFor(actor, (now) => now.status === 'done', { timeout: Infinity });
console.log(context.note);
rmSync(FILE);
await orchestrator.close();
