/** Deliveries of real processes that are killed, to a real receiver that fails. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { openRunReader } from '../../src/open-reader.js';
import { startChild } from '../persistence/support/storage.js';
import { temporaryDatabase } from '../support/temporary.js';
import { textOf } from './support/real-receiver.js';
import { numbersByRun } from './support/receiver.js';

interface Place {
  readonly url: string;
  /** Ids of the events that were answered with 200, in order. */
  readonly accepted: string[];
  /** Calls back at the request with this number, before it is answered. */
  onRequest: (number: number) => void;
}

async function openReceiver(): Promise<Place> {
  const place: { -readonly [K in keyof Place]: Place[K] } = {
    url: '',
    accepted: [],
    onRequest: () => {},
  };
  let requests = 0;
  const server = createServer(async (request, response) => {
    const { data } = JSON.parse(await textOf(request)) as { data: { id: string } };
    requests += 1;
    place.onRequest(requests);
    // Every seventh is refused; every eleventh is accepted, and the answer is lost.
    const isAccepted = requests % 7 !== 0;
    if (isAccepted) place.accepted.push(data.id);
    if (requests % 11 === 0) return void request.socket.destroy();
    response.writeHead(isAccepted ? 200 : 500).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  place.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return place;
}

it('S183 S221 kill -9 in the middle of deliveries loses no event, and each run is told in order', async () => {
  const database = temporaryDatabase();
  const receiver = await openReceiver();
  const script = '../../delivery/support/delivering-child.ts';
  let total = 0;
  for (const kill of [7, 45]) {
    const { child, ended } = startChild(script, [database, receiver.url, '1000']);
    const killAt = total + kill;
    receiver.onRequest = (number) => {
      total = number;
      if (number === killAt) child.kill('SIGKILL');
    };
    await ended;
    expect(child.signalCode).toBe('SIGKILL');
  }
  receiver.onRequest = () => {};
  const { lines } = startChild(script, [database, receiver.url, '2']);
  const said: string[] = [];
  for await (const line of lines) said.push(line);
  expect(said.at(-1)).toBe('drained');
  const { runs, close } = openRunReader(database);
  const firsts = numbersByRun([...new Set(receiver.accepted)]);
  const list = await runs.list({ limit: 1_000 });
  expect(list.length).toBeGreaterThan(4);
  for (const { id } of list) {
    const logged = (await runs.events(id)).map(({ seq }) => seq);
    expect([id, firsts.get(id)]).toEqual([id, logged]);
  }
  close();
});
