import type { Command } from 'commander';
import type { StreamItem } from '../../client/index.js';
import { addJson, databaseCommand, type Finish, finishing } from '../command.js';
import type { DatabaseOption } from '../database.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { findHost } from '../host.js';
import { clean, note, print } from '../output.js';

interface StreamOptions extends DatabaseOption {
  readonly node?: string;
  readonly json?: true;
}

/** Shows what handlers of a run stream, until it has ended. */
export function streamCommand(finish: Finish): Command {
  return addJson(databaseCommand('stream', 'show what handlers of a run stream while they work'))
    .argument('<run>')
    .option('--node <path>', 'of one node run only')
    .action(finishing(finish, stream));
}

async function stream(run: string, options: StreamOptions): Promise<ExitCode> {
  const { node, json } = options;
  const host = await findHost(options, { application: async () => ({ handlers: {} }) });
  if (host.is === 'here') {
    await host.orchestrator.close();
    note('no process works on this database: nothing is streamed');
    return EXIT.ok;
  }
  const lines = new StreamLines();
  for await (const item of host.owner.stream(run, node === undefined ? {} : { node })) {
    if (json) print(JSON.stringify(item));
    else lines.show(item);
  }
  lines.end();
  return EXIT.ok;
}

/** Texts as they come, with a line of who streams where that changes. */
class StreamLines {
  #who = '';
  #isInLine = false;

  show(item: StreamItem): void {
    const who = `${item.node} #${item.attempt}`;
    if (who !== this.#who) {
      this.end();
      note(clean(`-- ${who}`));
      this.#who = who;
    }
    if (item.type === 'gap') this.#note(`-- ${item.chunks} chunks are not shown`);
    if (item.type === 'end') this.#note(`-- end: ${item.chunks} chunks`);
    if (item.type === 'chunk') this.#text(item.value);
  }

  end(): void {
    if (this.#isInLine) process.stdout.write('\n');
    this.#isInLine = false;
  }

  #note(text: string): void {
    this.end();
    note(text);
  }

  #text(value: unknown): void {
    if (typeof value !== 'string') {
      this.end();
      return print(clean(JSON.stringify(value)));
    }
    process.stdout.write(clean(value));
    if (value !== '') this.#isInLine = !value.endsWith('\n');
  }
}
