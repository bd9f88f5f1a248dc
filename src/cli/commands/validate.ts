import type { Command } from 'commander';
import { addJson, command, type Finish, finishing } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { formatIssue } from '../failure.js';
import { readPlan } from '../files.js';
import { print, printJson } from '../output.js';

/** Says everything that is wrong with a plan. */
export function validateCommand(finish: Finish): Command {
  return addJson(command('validate', 'check a plan; all findings at once'))
    .argument('<plan>', 'file with the plan, JSON or YAML; - for standard input')
    .action(finishing(finish, validate));
}

async function validate(file: string, { json }: { json?: true }): Promise<ExitCode> {
  const reading = await readPlan(file);
  const issues = reading.ok ? reading.version.warnings : reading.issues;
  const hash = reading.ok ? reading.version.hash : null;
  if (json) printJson({ ok: reading.ok, hash, issues });
  else {
    for (const issue of issues) print(formatIssue(issue));
    print(reading.ok ? `${file} can run: ${hash}` : `${file} cannot run`);
  }
  return reading.ok ? EXIT.ok : EXIT.usage;
}
