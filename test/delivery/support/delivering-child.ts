/** Owns a database, delivers to a webhook on loopback, and starts runs until it is killed. */
import { writeSync } from 'node:fs';
import { createOrchestrator } from '../../../src/create-orchestrator.js';
import { plan } from '../../../src/plan/builder.js';

const [url = '', receiver = '', runs = '0'] = process.argv.slice(2);
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
for (let count = 0; count < Number(runs); count += 1) {
  const { id } = await orchestrator.start(chain);
  writeSync(1, `started ${id}\n`);
  await orchestrator.result(id);
}
await orchestrator.webhooks.drain();
writeSync(1, 'drained\n');
await orchestrator.close();
