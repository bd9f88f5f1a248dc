import type { Command } from 'commander';
import { examineDatabase, type UnrestorableRun, type VerificationView } from '../../index.js';
import { addJson, databaseCommand, type Finish, finishing } from '../command.js';
import { databaseOf, reading } from '../database.js';
import { type Check, checksOf } from '../doctor-checks.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { codeOf } from '../failure.js';
import { onOwner } from '../on-owner.js';
import { oneLine, print, printJson } from '../output.js';
import { serverOf } from '../server-option.js';
import type { HandlersOption } from '../stored-run.js';

interface DoctorOptions extends HandlersOption {
  readonly json?: true;
}

interface Report {
  /** Of disk, database, clock and configuration. */
  readonly checks: readonly Check[];
  readonly runs: number;
  /** Live runs that this program could not take up. */
  readonly unrestorable: readonly UnrestorableRun[];
  /** Runs of which log, snapshots or rows are not whole. */
  readonly damaged: readonly VerificationView[];
}

/** Looks at a database, what it stands on, and every run in it, and changes nothing. */
export function doctorCommand(finish: Finish): Command {
  return addJson(
    databaseCommand('doctor', 'check disk, database, clock, configuration and every run'),
  )
    .option('--handlers <module>', 'say as well which runs lack handlers of this module')
    .action(finishing(finish, doctor));
}

async function doctor(options: DoctorOptions): Promise<ExitCode> {
  // A server that is named has its database elsewhere.
  const isHere = serverOf(options) === undefined;
  const checks = isHere
    ? checksOf(await examineDatabase(databaseOf(options)), Date.now(), process.env)
    : [];
  const report = { checks, ...(await verifyAll(options)), unrestorable: await examine(options) };
  if (options.json) printJson(report);
  else printReport(report);
  const isWell = report.unrestorable.length === 0 && report.damaged.length === 0;
  const isSound = checks.every(({ severity }) => severity !== 'fault');
  return isWell && isSound ? EXIT.ok : EXIT.failed;
}

const PAGE = 500;

function verifyAll(options: DoctorOptions): Promise<Pick<Report, 'runs' | 'damaged'>> {
  return reading(options, async (reader) => {
    const damaged: VerificationView[] = [];
    let runs = 0;
    for (let before: string | undefined; ; ) {
      const page = await reader.list({ limit: PAGE, ...(before !== undefined && { before }) });
      for (const { id } of page) {
        const verified = await reader.verify(id).catch(unlessRemoved);
        if (verified === undefined) continue;
        if (!verified.ok) damaged.push(verified);
        runs += 1;
      }
      before = page.at(-1)?.id;
      if (page.length < PAGE) return { runs, damaged };
    }
  });
}

/** Retention may remove runs meanwhile. */
function unlessRemoved(error: unknown): undefined {
  if (codeOf(error) !== 'run-unknown') throw error;
}

/** What is about handlers is only said where they were named. */
async function examine(options: DoctorOptions): Promise<readonly UnrestorableRun[]> {
  const { handlers } = options;
  return onOwner(options, {
    async here(orchestrator) {
      const found = await orchestrator.examine();
      return found.filter(({ code }) => handlers !== undefined || !/-missing$/.test(code));
    },
    elsewhere: (owner) => owner.examine(),
  });
}

function printReport({ checks, runs, unrestorable, damaged }: Report): void {
  for (const { check, severity, message } of checks) {
    if (severity === 'ok') continue;
    print(oneLine(`${check} ${severity}: ${message}`, 400));
  }
  for (const { run, code, message } of unrestorable) {
    print(oneLine(`run ${run} cannot go on: ${code}: ${message}`, 400));
  }
  for (const { run, findings, differences } of damaged) {
    const [finding] = findings;
    const [difference] = differences;
    const what = finding?.message ?? `${difference?.part} ${difference?.key} do not fit the log`;
    print(oneLine(`run ${run} is not whole: ${what}`, 400));
  }
  const faults = checks.filter(({ severity }) => severity === 'fault').length;
  const found = faults + unrestorable.length + damaged.length;
  print(`${runs} runs, ${found === 0 ? 'nothing found' : `${found} findings`}`);
}
