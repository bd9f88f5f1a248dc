import type { Command } from 'commander';
import { defaultResponder } from '../ask.js';
import { databaseCommand, type Finish, finishing } from '../command.js';
import { conductRun } from '../conduct.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { print } from '../output.js';
import { findRun, type HandlersOption, hostFor } from '../stored-run.js';

/** Sets a node going again that is blocked, or failed and was tolerated. */
export function retryCommand(finish: Finish): Command {
  return databaseCommand('retry', 'set a node going again that is blocked or has failed')
    .argument('<run>')
    .argument('<node>')
    .option('--handlers <module>', 'handlers, where they are not those of the start')
    .action(finishing(finish, retry));
}

async function retry(run: string, node: string, options: HandlersOption): Promise<ExitCode> {
  const by = defaultResponder();
  const host = await hostFor(await findRun(run, options), options);
  if (host.is === 'elsewhere') {
    await host.owner.command(run, 'retry', { node, by });
    print(`node ${node} of run ${run} is tried again`);
    return EXIT.ok;
  }
  const { orchestrator } = host;
  try {
    const { seq } = await orchestrator.runs.head(run);
    await orchestrator.retryNode(run, node, { by });
    return await conductRun(orchestrator, run, options, seq);
  } finally {
    await orchestrator.close();
  }
}
