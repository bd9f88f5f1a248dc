import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { JsonValue, PlanVersion } from '../../index.js';
import { databaseCommand, type Finish, finishing } from '../command.js';
import { conductRun, followElsewhere } from '../conduct.js';
import { type DatabaseOption, reading } from '../database.js';
import type { ExitCode } from '../exit-codes.js';
import { UsageError } from '../failure.js';
import { loadApplication, readValue, requirePlan } from '../files.js';
import { findHost } from '../host.js';
import { metadataFor } from '../metadata.js';
import { note } from '../output.js';
import { RemoteOwner } from '../remote.js';
import { serverOf } from '../server-option.js';

interface RunOptions extends DatabaseOption {
  readonly input?: string;
  readonly handlers?: string;
  readonly id?: string;
}

/** Starts a run and stays with it. */
export function runCommand(finish: Finish): Command {
  return databaseCommand('run', 'start a run of a plan, and stay with it until it rests')
    .argument(
      '<plan>',
      'file with the plan, JSON or YAML; with --url also the name of one on offer',
    )
    .option('--handlers <module>', 'ES module that exports the handlers')
    .option(
      '--input <file>',
      'file with the input, JSON or YAML; - for standard input; or JSON in place',
    )
    .option('--id <id>', 'id of the run; the same plan and input under the same id is one run')
    .action(finishing(finish, run));
}

async function run(file: string, options: RunOptions): Promise<ExitCode> {
  const server = serverOf(options);
  const input = options.input === undefined ? undefined : await readValue(options.input);
  if (server !== undefined && !existsSync(file)) {
    return startElsewhere(new RemoteOwner(server), file, input, options);
  }
  const version = await requirePlan(file);
  const host = await findHost(options, {
    isNew: true,
    application: () => loadApplication(options.handlers),
  });
  if (host.is === 'elsewhere') return runElsewhere(host.owner, version, input, options);
  const { orchestrator } = host;
  try {
    const { id } = await orchestrator.start(version.plan, {
      metadata: metadataFor(options.handlers),
      ...(input !== undefined && { input }),
      ...(options.id !== undefined && { id: options.id }),
    });
    note(`run ${id}`);
    return await conductRun(orchestrator, id, options);
  } finally {
    await orchestrator.close();
  }
}

/** The owner has handlers of its own: it can start what it offers. */
async function runElsewhere(
  owner: RemoteOwner,
  version: PlanVersion,
  input: JsonValue | undefined,
  options: RunOptions,
): Promise<ExitCode> {
  const offered = (await owner.plans()).find(({ hash }) => hash === version.hash);
  if (offered === undefined) {
    throw new UsageError(
      `the server at ${owner.address} owns the database and does not offer this plan`,
      {
        hint: 'start the server with this plan, or name another database with --db',
      },
    );
  }
  return startElsewhere(owner, offered.name, input, options);
}

/** `plan` is the name of one on offer. */
async function startElsewhere(
  owner: RemoteOwner,
  plan: string,
  input: JsonValue | undefined,
  options: RunOptions,
): Promise<ExitCode> {
  const { id } = await owner.start({
    plan,
    ...(input !== undefined && { input }),
    ...(options.id !== undefined && { id: options.id }),
  });
  note(`run ${id}, carried by the server at ${owner.address}`);
  return reading(options, (_runs, source) => followElsewhere(source, id, options));
}
