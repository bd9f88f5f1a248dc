/** A service with a page on which people answer what its runs ask them. */
import { fileURLToPath } from 'node:url';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { createOrchestrator, plan } from 'runchart';
import { createHttpApp } from 'runchart/http';
import { build } from 'vite';

const trip = plan('A trip', { result: 'nodes["book"].output' })
  .input('wish', {
    objective: 'Where shall it go?',
    outputSchema: {
      type: 'object',
      required: ['place', 'days'],
      properties: {
        place: { title: 'Place', enum: ['Bergen', 'Porto', 'Triest'] },
        days: { title: 'Days', type: 'integer', minimum: 1, maximum: 30 },
        remarks: { title: 'Remarks', type: 'string', maxLength: 500 },
      },
    },
  })
  .approval('approve', { objective: 'May it be booked?' })
  .action('book', { handler: 'book' })
  .edge('wish', 'approve', { map: { trip: 'nodes["wish"].output' } })
  .edge('approve', 'book', { map: { trip: 'nodes["wish"].output' } })
  .build();

const orchestrator = await createOrchestrator({
  url: 'trips.db',
  handlers: { book: ({ trip: { place, days } }) => `${days} days in ${place}` },
});
const files = await buildPage();

const app = new Hono();
app.get('/', (context) => context.html(files.get('index.html')));
app.get('/assets/:name', (context) => {
  const file = files.get(`assets/${context.req.param('name')}`);
  if (file === undefined) return context.notFound();
  return context.body(file, 200, { 'content-type': 'text/javascript' });
});
app.mount('/runchart', createHttpApp(orchestrator, { plans: { trip: { plan: trip } } }).fetch);

const port = Number(process.argv[2] ?? 4848);
const server = serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, (address) => {
  console.log(`http://127.0.0.1:${address.port}`);
});
await orchestrator.start(trip, { id: 'first-trip' });
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close();
    server.closeAllConnections();
    void orchestrator.close();
  });
}

/** What the browser loads, by path; a service of yours would build it once. */
async function buildPage() {
  const root = fileURLToPath(new URL('.', import.meta.url));
  const built = await build({ root, logLevel: 'error', build: { write: false } });
  return new Map(built.output.map((file) => [file.fileName, file.code ?? file.source]));
}
