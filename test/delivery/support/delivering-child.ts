/** Owns a database, delivers to a webhook on loopback, and starts runs until it is killed. */
import { writeSync } from 'node:fs';
import { createOrchestrator } from '../../../src/create-orchestrator.js';
import { plan } from '../../../src/plan/builder.js';

/** `atOnce`: how many runs go side by side. */
const [url = '', receiver = '', runs = '0', atOnce = '1'] = process.argv.slice(2);
const chain = plan('Chain')
  .action('one', { handler: 'work' })
  .action('two', { handler: 'work' })
  .edge('one', 'two')
  .build();

const orchestrator = await createOrchestrator({
  url,
  handlers: { work: () => 'done' },
  webhooks: { allowPrivate: ['127.0.0.1'], firstDelayMs: 5, maxDelayMs: 20, maxTries: 1_000 },
});
if ((await orchestrator.webhooks.list()).length === 0) {
  await orchestrator.webhooks.add({ id: 'w', url: receiver });
}
writeSync(1, 'ready\n');
async function run(): Promise<void> {
  const { id } = await orchestrator.start(chain);
  writeSync(1, `started ${id}\n`);
  await orchestrator.result(id);
}
for (let count = 0; count < Number(runs); count += Number(atOnce)) {
  await Promise.all(Array.from({ length: Number(atOnce) }, run));
}
await orchestrator.webhooks.drain();
writeSync(1, 'drained\n');
await orchestrator.close();
