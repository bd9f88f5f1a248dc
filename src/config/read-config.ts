/**
 * Puts the configuration together. Invariants: a flag goes before the environment, that before the file,
 * that before what applies unless given; a value that is none is refused with the place that it came from,
 * together with all others; nothing in a file is ignored.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { RunchartError } from '../errors.js';
import type { Issue } from '../plan/issue.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../plan/json.js';
import { parsePlanText } from '../plan/parse.js';
import { didYouMean } from '../plan/suggest.js';
import {
  SETTING_NAMES,
  SETTINGS,
  type Setting,
  type SettingName,
  type Settings,
} from './settings.js';

export interface ConfigSources {
  /** By the names of settings; undefined where a flag was not given. */
  readonly flags?: Readonly<Partial<Record<SettingName, unknown>>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where a file is looked for, unless one is named. */
  readonly folder?: string;
  /** The file, where it is named. */
  readonly file?: string | undefined;
}

export interface Config {
  readonly settings: Settings;
  /** Where each value came from, in words. */
  readonly sources: Readonly<Record<SettingName, string>>;
  /** The file that was read. */
  readonly file: string | undefined;
}

const FILES = ['runchart.config.json', 'runchart.config.yaml', 'runchart.config.yml'];
export const CONFIG_VARIABLE = 'RUNCHART_CONFIG';

/** Throws `config-invalid` with an issue for each value that is none. */
export function readConfig({
  flags = {},
  env = process.env,
  folder = process.cwd(),
  file: named,
}: ConfigSources = {}): Config {
  const issues: Issue[] = [];
  const file = findFile(named ?? env[CONFIG_VARIABLE], folder);
  const inFile = file === undefined ? new Map<string, JsonValue>() : readFile(file, issues);
  const settings: Record<string, unknown> = {};
  const sources = {} as Record<SettingName, string>;
  for (const name of SETTING_NAMES) {
    const setting: Setting<unknown> = SETTINGS[name];
    const found = [
      { value: flags[name], source: sourceOfFlag(name, setting), base: folder },
      { value: env[setting.env] || undefined, source: setting.env, base: folder },
      { value: inFile.get(name), source: `${name} in ${file}`, base: dirname(file ?? '') },
    ].find(({ value }) => value !== undefined);
    sources[name] = found?.source ?? 'default';
    if (found === undefined) settings[name] = setting.fallback;
    else settings[name] = readValue(setting, found, issues);
  }
  if (issues.length === 0) return { settings: settings as Settings, sources, file };
  throw new RunchartError('config-invalid', 'the configuration has values that are none', {
    issues,
  });
}

interface Given {
  readonly value: unknown;
  readonly source: string;
  readonly base: string;
}

function readValue({ kind }: Setting<unknown>, { value, source, base }: Given, issues: Issue[]) {
  const read = kind.read(value, base);
  if (read === undefined) issues.push(issue(source, `expected ${kind.shape}`));
  return read;
}

function sourceOfFlag(name: SettingName, { flag }: Setting<unknown>): string {
  return flag === undefined ? `${name} among the arguments` : `--${flag}`;
}

function findFile(named: string | undefined, folder: string): string | undefined {
  if (named !== undefined && named !== '') {
    const path = resolve(folder, named);
    if (existsSync(path)) return path;
    throw new RunchartError('config-invalid', `there is no ${path}`);
  }
  const found = FILES.filter((name) => existsSync(join(folder, name)));
  if (found.length <= 1) return found[0] === undefined ? undefined : join(folder, found[0]);
  throw new RunchartError('config-invalid', `there are ${found.join(' and ')}`, {
    hint: 'keep one of them, or name it with --config',
  });
}

function readFile(file: string, issues: Issue[]): ReadonlyMap<string, JsonValue> {
  const parsed = parsePlanText(readFileSync(file, 'utf8'), {
    format: file.endsWith('.json') ? 'json' : 'yaml',
  });
  const values = new Map<string, JsonValue>();
  if (!parsed.ok) issues.push(...parsed.issues.map((found) => ({ ...found, path: file })));
  else if (isJsonObject(parsed.draft)) collect(parsed.draft, '', { file, values, issues });
  else issues.push(issue(file, 'expected an object of settings'));
  return values;
}

interface Collected {
  readonly file: string;
  readonly values: Map<string, JsonValue>;
  readonly issues: Issue[];
}

function collect(object: JsonObject, prefix: string, collected: Collected): void {
  for (const [key, value] of Object.entries(object)) {
    const name = `${prefix}${key}`;
    if (name in SETTINGS) collected.values.set(name, value as JsonValue);
    else if (isSection(name) && isJsonObject(value)) collect(value, `${name}.`, collected);
    else {
      const hint = didYouMean(name, SETTING_NAMES);
      const message = isSection(name) ? 'expected an object' : 'there is no such setting';
      collected.issues.push(issue(`${name} in ${collected.file}`, message, hint));
    }
  }
}

function isSection(name: string): boolean {
  return SETTING_NAMES.some((known) => known.startsWith(`${name}.`));
}

function issue(path: string, message: string, hint?: string): Issue {
  const found = { severity: 'blocking', code: 'setting-invalid', message, path } as const;
  return hint === undefined ? found : { ...found, hint };
}
