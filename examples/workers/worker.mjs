/** A worker: it needs the address of the server, and nothing else of the orchestrator. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'runchart/worker';

const [, , url, name] = process.argv;

const worker = connect(url).work(
  {
    async shout(text, { signal }) {
      await sleep(200, undefined, { signal });
      return text.toUpperCase();
    },
  },
  { name, pollMs: 5_000 },
);
await worker.done;
