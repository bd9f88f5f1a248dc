import { type Command, InvalidArgumentError } from 'commander';
import {
  type SimulatedPath,
  type SimulateOptions,
  type Simulation,
  simulatePlan,
} from '../../explain/simulate.js';
import type { JsonObject, JsonValue } from '../../index.js';
import { formatDuration } from '../../plan/durations.js';
import { isJsonObject } from '../../plan/json.js';
import { addJson, command, type Finish, finishing } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { UsageError } from '../failure.js';
import { readValue, requirePlan } from '../files.js';
import { clean, oneLine, print, printJson, table } from '../output.js';

interface SimulateCommandOptions {
  readonly input?: string;
  readonly outputs?: string;
  readonly answers?: string;
  readonly maxPaths?: number;
  readonly failures?: true;
  readonly seed?: number;
  readonly json?: true;
}

/** Dry-runs a plan and lists the ways through it. */
export function simulateCommand(finish: Finish): Command {
  return addJson(command('simulate', 'go all ways through a plan without its handlers'))
    .argument('<plan>', 'file with the plan, JSON or YAML')
    .option('--input <file>', 'input of the run; sampled where it is not given')
    .option('--outputs <file>', 'outputs by node, in place of samples')
    .option('--answers <file>', 'responses of people by node, in place of all that they may say')
    .option('--max-paths <n>', 'paths that are gone at most (default: 200)', parseCount)
    .option('--failures', 'each action may fail, too')
    .option('--seed <n>', 'the same seed gives the same samples (default: 1)', parseCount)
    .action(finishing(finish, simulate));
}

async function simulate(file: string, options: SimulateCommandOptions): Promise<ExitCode> {
  const { input, outputs, answers, maxPaths, failures, seed, json } = options;
  const version = await requirePlan(file);
  const given: SimulateOptions = {
    ...(input !== undefined && { input: await readValue(input) }),
    ...(outputs !== undefined && { outputs: await readObject(outputs) }),
    ...(answers !== undefined && { answers: await readObject(answers) }),
    ...(maxPaths !== undefined && { maxPaths }),
    ...(seed !== undefined && { seed }),
    ...(failures === true && { failures }),
  };
  const simulation = await simulatePlan(version, given);
  if (json) printJson(simulation);
  else for (const part of describe(simulation, version.plan.title)) print(part);
  return simulation.neverReached.length === 0 ? EXIT.ok : EXIT.failed;
}

async function readObject(source: string): Promise<JsonObject> {
  const value: JsonValue = await readValue(source);
  if (isJsonObject(value)) return value;
  throw new UsageError(`${source} has no values by node`, { hint: 'write an object' });
}

function* describe(simulation: Simulation, title: string) {
  const { paths, isComplete, undetermined, warnings, neverReached, neverTaken } = simulation;
  const extent = isComplete ? 'these are all' : 'there may be more';
  yield clean(
    `${paths.length} ${paths.length === 1 ? 'path' : 'paths'} through "${title}"; ${extent}`,
  );
  yield '';
  yield table([['PATH', 'STATUS', 'TIME', 'CHOICES', 'NODES'], ...paths.map(toRow)]);
  yield '';
  yield list('never reached', neverReached);
  yield list('never taken', neverTaken);
  for (const { edge, condition, seen } of undetermined) {
    yield clean(`undetermined: ${edge} when ${condition} was only ever ${seen.join(' and ')}`);
  }
  for (const { code, message } of warnings) yield clean(`warning ${code}: ${message}`);
}

function list(what: string, names: readonly string[]): string {
  return clean(`${what}: ${names.length === 0 ? 'none' : names.join(', ')}`);
}

function toRow(path: SimulatedPath, index: number): string[] {
  const { status, durationMs, choices, nodes, isCut } = path;
  const chosen = choices.map(({ node, choice }) => (node === '' ? choice : `${node}: ${choice}`));
  const order = nodes.map((node) =>
    node.status === 'completed' ? node.node : `${node.node} ${node.status}`,
  );
  return [
    String(index + 1),
    isCut ? `${status} (cut)` : status,
    formatDuration(durationMs),
    oneLine(chosen.join('; '), 80) || '-',
    oneLine(order.join(', ')),
  ];
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new InvalidArgumentError('Expected a whole number from 1 on.');
}
