/** A program with one isolated handler, `program.ts EXPORT PLACE`: it ends by itself when its attempt has ended. */
import { isolated } from '../../../src/isolation/isolated.js';
import { MODULE } from './module.js';

const [, , name = '', place] = process.argv;
const context = {
  run: 'r1',
  node: 'n1',
  attempt: 1,
  key: 'r1/n1/1/1',
  signal: new AbortController().signal,
  logger: console,
  generation: 1,
  services: undefined,
  isLastTry: true,
  idempotencyKey: 'r/n/1',
  lastHeartbeat: undefined,
  feedback: [],
  trace: undefined,
  heartbeat: () => {},
  payload: () => Promise.reject(new Error('there is no payload')),
  stream: () => {},
  progress: (value: unknown) => console.log(value),
};
const handler = isolated({
  module: MODULE,
  in: place === 'thread' ? 'thread' : 'process',
  export: name,
});
await handler(null, context);
