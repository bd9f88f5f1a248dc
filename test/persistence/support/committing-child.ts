/** Commits turns of several runs without end, and prints the number of each once it is acknowledged. */
import { writeSync } from 'node:fs';
import { CommitError } from '../../../src/actors/ports.js';
import { openStorage } from '../../../src/persistence/storage.js';
import { TurnMaker } from './turns.js';

const RUNS = 8;
const [database = ''] = process.argv.slice(2);

// The log of what was acknowledged is a pipe: it outlives the process and no file limit reaches it.
const print = (line: string): void => void writeSync(1, `${line}\n`);

const { journal } = await openStorage({ database, retryDelaysMs: [1, 1] });
const turns = new TurnMaker();

async function commitWithoutEnd(run: number): Promise<void> {
  let turn = turns.start(run);
  for (let place = 0; ; place += 1) {
    await journal.commit(turn);
    print(String(turn.turn));
    turn = turns.typical(run, place);
  }
}

await Promise.all(
  Array.from({ length: RUNS }, async (_, place) => {
    const error: unknown = await commitWithoutEnd(place + 1).catch((cause: unknown) => cause);
    print(error instanceof CommitError ? error.code : String(error));
  }),
);
print(`health ${journal.health().state}`);
process.exit(0);
