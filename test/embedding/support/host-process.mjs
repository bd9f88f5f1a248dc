/**
 * A process whose machine has a run, keeps its snapshot in a file, and is killed in the middle. Runs the
 * built package under plain Node. Says on its output what it hears, a line of JSON each.
 */
import { existsSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { assign, createActor, setup } from 'xstate';
import { createOrchestrator, plan } from '../../../dist/index.js';

/** `killAt`: `begun`, `heard 7` (before event 7 is in the snapshot on disk) or `saved 7` (after). */
const [folder = '', killAt = ''] = process.argv.slice(2);
const file = `${folder}/host.json`;

const say = (line) => writeSync(1, `${JSON.stringify(line)}\n`);
const pass = (point) => {
  if (point === killAt) process.kill(process.pid, 'SIGKILL');
};

const ids = ['one', 'two', 'three', 'four'];
const draft = plan('Count', { result: 'nodes["four"].output' });
for (const id of ids) draft.action(id, { handler: 'count' });
const count = draft.sequence(...ids).build();

const orchestrator = await createOrchestrator({
  url: `${folder}/runs.db`,
  handlers: {
    count: (_input, { node }) => {
      say({ worked: node });
      return node;
    },
  },
});

const machine = setup({ actors: { count: orchestrator.logic(count) } }).createMachine({
  context: { output: null },
  initial: 'counting',
  states: {
    counting: {
      invoke: {
        id: 'run',
        src: 'count',
        input: { input: { from: 1 } },
        onDone: { target: 'counted', actions: assign({ output: ({ event }) => event.output }) },
      },
    },
    counted: {},
  },
});

const stored = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
const host = createActor(machine, { snapshot: stored });
const save = () => {
  writeFileSync(`${file}.new`, JSON.stringify(host.getPersistedSnapshot()));
  renameSync(`${file}.new`, file);
};

say({ pointer: stored?.children.run?.snapshot.context ?? null });
const ended = new Promise((resolve) => {
  host.subscribe((snapshot) => {
    save();
    if (snapshot.value === 'counted') resolve(snapshot.context.output);
  });
});
host.getSnapshot().children.run?.on('*', ({ seq, type }) => {
  say({ seq, type });
  pass(`heard ${seq}`);
  save();
  pass(`saved ${seq}`);
});
host.start();
pass('begun');
say({ output: await ended });
await orchestrator.close();
