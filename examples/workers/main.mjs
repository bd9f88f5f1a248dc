/** A run whose work is done in other processes, one of which is killed in the middle of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serve } from '@hono/node-server';
import { createOrchestrator, external } from 'runchart';
import { createHttpApp } from 'runchart/http';

const WORKER = fileURLToPath(new URL('./worker.mjs', import.meta.url));
const TEXTS = ['one fish', 'two fish', 'red fish', 'blue fish', 'old fish', 'new fish'];

const folder = mkdtempSync(join(tmpdir(), 'runchart-workers-'));
const orchestrator = await createOrchestrator({
  url: join(folder, 'runs.db'),
  handlers: { shout: external({ leaseMs: 1_000 }) },
});
const server = serve({ fetch: createHttpApp(orchestrator).fetch, hostname: '127.0.0.1', port: 0 });
if (!server.listening) await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}`;

const startWorker = (name) =>
  spawn(process.execPath, [WORKER, url, name], { stdio: ['ignore', 'inherit', 'inherit'] });
const workers = ['ada', 'bob'].map(startWorker);

const run = await orchestrator.start(
  {
    title: 'Shout',
    nodes: [{ kind: 'map', id: 'all', items: 'inputs.texts', handler: 'shout' }],
    edges: [],
  },
  { input: { texts: TEXTS } },
);

for await (const { type, node, detail } of run.events()) {
  if (type === 'attempt.claimed') console.log(`${node}: claimed by ${detail.worker}`);
  if (type === 'attempt.interrupted') console.log(`${node}: ${detail.message}`);
  if (type === 'attempt.claimed' && detail.worker === 'ada' && !workers[0].killed) {
    console.log('ada is killed');
    workers[0].kill('SIGKILL');
  }
}
const { status, outputs } = await run.result();
console.log(status, JSON.stringify(outputs.all));

// Told to stop, a worker ends what it has and claims nothing more.
const [, bob] = workers;
bob.kill('SIGTERM');
await once(bob, 'exit');
server.close();
await orchestrator.close();
rmSync(folder, { recursive: true, force: true });
