/** Two hundred finished runs, of whose events a killed process has told few, beside a new one. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createOrchestrator } from '../../src/create-orchestrator.js';
import { plan } from '../../src/plan/builder.js';
import { startChild } from '../persistence/support/storage.js';
import { temporaryDatabase } from '../support/temporary.js';
import { textOf } from './support/real-receiver.js';
import { numbersByRun } from './support/receiver.js';

const FINISHED = 200;
/** Requests that are answered before the process is killed; later ones are taken, and their answer is lost. */
const ANSWERED = 60;
const work = plan('Work').action('only', { handler: 'work' }).build();

interface Consumer {
  readonly url: string;
  /** What came, with the id of its message; in order, repeated ones too. */
  readonly taken: { readonly message: string; readonly event: string; readonly body: string }[];
  /** From now on every request is answered. */
  answer(): void;
}

async function openConsumer(): Promise<Consumer> {
  const taken: Consumer['taken'] = [];
  const unanswered: ServerResponse[] = [];
  let answers = ANSWERED;
  const server = createServer(async (request, response) => {
    const body = await textOf(request);
    const { data } = JSON.parse(body) as { data: { id: string } };
    taken.push({ message: String(request.headers['webhook-id']), event: data.id, body });
    if (taken.length <= answers) response.writeHead(204).end();
    else unanswered.push(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const answer = () => {
    answers = Number.POSITIVE_INFINITY;
    for (const response of unanswered) response.destroy();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, taken, answer };
}

it('S183 S187 tells of a new run beside 200 that have finished, and of each event under one id, whatever was told twice', async () => {
  const database = temporaryDatabase();
  const consumer = await openConsumer();
  const script = '../../delivery/support/delivering-child.ts';
  const { child, lines, ended } = startChild(script, [database, consumer.url, '1000', '20']);
  let started = 0;
  // Twenty begin when the twenty before them have ended.
  for await (const line of lines) {
    started += line.startsWith('started') ? 1 : 0;
    if (started > FINISHED) child.kill('SIGKILL');
  }
  await ended;
  const lost = consumer.taken.slice(ANSWERED).map(({ message }) => message);
  expect(lost.length).toBeGreaterThan(0);
  consumer.answer();

  const orchestrator = await createOrchestrator({
    url: database,
    handlers: { work: () => 'done' },
    webhooks: { allowPrivate: ['127.0.0.1'], firstDelayMs: 5, maxDelayMs: 20 },
  });
  const isOwn = ({ event }: { readonly event: string }) => event.startsWith('new/');
  const { status } = await (await orchestrator.start(work, { id: 'new' })).result();
  // The run itself waits for nobody's deliveries.
  expect([status, consumer.taken.filter(isOwn).length]).toEqual(['completed', 0]);
  await orchestrator.recover();
  await orchestrator.webhooks.drain();

  const eventOf = new Map<string, string>();
  for (const { message, event } of consumer.taken) {
    expect(eventOf.get(message) ?? event).toBe(event);
    eventOf.set(message, event);
  }
  // What was told twice has the id that it had: whoever knows it sees each event once.
  for (const message of lost) {
    const bodies = consumer.taken.filter((one) => one.message === message).map(({ body }) => body);
    expect(bodies.length).toBeGreaterThan(1);
    expect(new Set(bodies).size).toBe(1);
  }
  const numbers = numbersByRun([...eventOf.values()]);
  const runs = await orchestrator.runs.list({ limit: 1_000 });
  expect(runs.filter((run) => run.status === 'completed').length).toBeGreaterThan(FINISHED);
  for (const { id } of runs) {
    const logged = (await orchestrator.runs.events(id)).map(({ seq }) => seq);
    expect([id, numbers.get(id)]).toEqual([id, logged]);
  }

  // Beside those that have been told, the next is told at once, and nothing again.
  const before = consumer.taken.length;
  await (await orchestrator.start(work, { id: 'newer' })).result();
  await orchestrator.webhooks.drain();
  const later = consumer.taken.slice(before).map(({ event }) => event);
  const own = (await orchestrator.runs.events('newer')).map(({ seq }) => `newer/${seq}`);
  expect(later).toEqual(own);
  await orchestrator.close();
}, 60_000);
