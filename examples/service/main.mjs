/** A service of one process: its own routes in front, and the orchestrator behind them. */
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { createOrchestrator, plan, RunchartError } from 'runchart';
import { createHttpApp } from 'runchart/http';

const order = plan('Order', {
  result: 'nodes["ship"].output',
  inputs: {
    type: 'object',
    properties: { goods: { type: 'string' }, price: { type: 'number', minimum: 0 } },
    required: ['goods', 'price'],
  },
})
  .switch('price')
  .approval('approve', { description: 'Shall this be sold?' })
  .join('go', { rule: 'any' })
  .action('ship', { handler: 'ship' })
  .edge('price', 'approve', { when: 'inputs.price > 100.0' })
  .edge('price', 'go', { default: true })
  .edge('approve', 'go')
  .edge('go', 'ship', { map: { goods: 'inputs.goods' } })
  .build();

const orchestrator = await createOrchestrator({
  url: 'orders.db',
  handlers: { ship: ({ goods }) => `${goods}, on their way` },
});

const app = new Hono();

app.put('/orders/:id', async (context) => {
  const input = await context.req.json().catch(() => null);
  // The same request again is the same order.
  const { id, created } = await orchestrator.start(order, { id: context.req.param('id'), input });
  return context.json({ id, status: await orchestrator.settled(id) }, created ? 201 : 200);
});

app.get('/orders/:id', async (context) => {
  const { id, status, output } = await orchestrator.runs.result(context.req.param('id'));
  return context.json({ id, status, output });
});

app.post('/orders/:id/approval', async (context) => {
  const run = context.req.param('id');
  const { approved } = await context.req.json();
  const [task] = await orchestrator.runs.tasks({ run });
  if (task === undefined) return context.json({ code: 'nothing-asked' }, 409);
  await orchestrator.respond(task.id, { response: { approved } });
  return context.json({ id: run, status: await orchestrator.settled(run) });
});

// Runs, tasks and events of the orchestrator itself, as docs/http.md has them.
app.mount('/runchart', createHttpApp(orchestrator).fetch);

app.onError((error, context) => {
  if (!(error instanceof RunchartError)) throw error;
  return context.json({ code: error.code, message: error.message }, error.status);
});

const port = Number(process.argv[2] ?? 4848);
const server = serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, (address) => {
  console.log(`http://127.0.0.1:${address.port}`);
});
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close();
    server.closeAllConnections();
    void orchestrator.close();
  });
}
