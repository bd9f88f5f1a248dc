/** Puts the commands together. */
import { Command, CommanderError } from 'commander';
import { readVersion } from '../version.js';
import type { Finish } from './command.js';
import { artifactCommand, artifactsCommand } from './commands/artifacts.js';
import { backupCommand } from './commands/backup.js';
import { bulkCommand } from './commands/bulk.js';
import { cancelCommand } from './commands/cancel.js';
import { completeCommand } from './commands/complete.js';
import { configCommand } from './commands/config.js';
import { diagramCommand } from './commands/diagram.js';
import { doctorCommand } from './commands/doctor.js';
import { eventsCommand } from './commands/events.js';
import { exportCommand } from './commands/export.js';
import { forkCommand } from './commands/fork.js';
import { importCommand } from './commands/import.js';
import { inspectCommand } from './commands/inspect.js';
import { mcpCommand } from './commands/mcp.js';
import { patchCommand } from './commands/patch.js';
import { pauseCommand } from './commands/pause.js';
import { replaceCommand } from './commands/replace.js';
import { replanCommand } from './commands/replan.js';
import { replayCommand } from './commands/replay.js';
import { respondCommand } from './commands/respond.js';
import { restoreCommand } from './commands/restore.js';
import { resumeCommand } from './commands/resume.js';
import { retryCommand } from './commands/retry.js';
import { rollbackCommand } from './commands/rollback.js';
import { runCommand } from './commands/run.js';
import { runsCommand } from './commands/runs.js';
import { scheduleCommand } from './commands/schedule.js';
import { schemaCommand } from './commands/schema.js';
import { serveCommand } from './commands/serve.js';
import { showCommand } from './commands/show.js';
import { signalCommand } from './commands/signal.js';
import { simulateCommand } from './commands/simulate.js';
import { skipCommand } from './commands/skip.js';
import { stepCommand } from './commands/step.js';
import { streamCommand } from './commands/stream.js';
import { taskCommand } from './commands/task.js';
import { tasksCommand } from './commands/tasks.js';
import { auditCommand, tokenCommand } from './commands/token.js';
import { trimCommand } from './commands/trim.js';
import { validateCommand } from './commands/validate.js';
import { webhookCommand } from './commands/webhook.js';
import { whyCommand } from './commands/why.js';
import { workerCommand } from './commands/worker.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { reportFailure } from './failure.js';

const COMMANDS = [
  runCommand,
  validateCommand,
  simulateCommand,
  schemaCommand,
  runsCommand,
  showCommand,
  whyCommand,
  eventsCommand,
  streamCommand,
  inspectCommand,
  replayCommand,
  tasksCommand,
  taskCommand,
  respondCommand,
  artifactsCommand,
  artifactCommand,
  cancelCommand,
  pauseCommand,
  resumeCommand,
  stepCommand,
  signalCommand,
  retryCommand,
  bulkCommand,
  completeCommand,
  skipCommand,
  patchCommand,
  rollbackCommand,
  replanCommand,
  replaceCommand,
  forkCommand,
  diagramCommand,
  exportCommand,
  importCommand,
  trimCommand,
  backupCommand,
  restoreCommand,
  configCommand,
  doctorCommand,
  scheduleCommand,
  tokenCommand,
  auditCommand,
  webhookCommand,
  serveCommand,
  workerCommand,
  mcpCommand,
];

/** Runs one command line; resolves with the exit code. */
export async function runProgram(words: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const program = createProgram((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(words, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(error);
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}

/** The command line; `finish` is told the exit code of the command that ran. Throws a CommanderError. */
export function createProgram(finish: Finish): Command {
  const program = new Command('runchart')
    .description('Durable plans as statecharts')
    .version(readVersion())
    // `--version` behind a command is an option of that command.
    .enablePositionalOptions();
  for (const command of COMMANDS) program.addCommand(command(finish));
  throwErrors(program);
  return program;
}

/** Of a command and all those below it: a wrong word is an exception, and the process goes on. */
function throwErrors(command: Command): void {
  command.exitOverride().showHelpAfterError('(add --help for the options)');
  for (const below of command.commands) throwErrors(below);
}
