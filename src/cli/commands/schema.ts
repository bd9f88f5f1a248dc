import type { Command } from 'commander';
import { planJsonSchema } from '../../index.js';
import { command, type Finish, finishing } from '../command.js';
import { printJson } from '../output.js';

/** Prints the JSON Schema of plans, for editors. */
export function schemaCommand(finish: Finish): Command {
  return command('schema', 'print the JSON Schema of plans').action(
    finishing(finish, () => {
      printJson(planJsonSchema());
      return undefined;
    }),
  );
}
