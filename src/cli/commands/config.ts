import type { Command } from 'commander';
import { readConfig } from '../../config/read-config.js';
import { SETTING_NAMES } from '../../config/settings.js';
import { addJson, type Finish, finishing, localCommand } from '../command.js';
import type { DatabaseOption } from '../database.js';
import { clean, print, printJson, table } from '../output.js';

interface ConfigOptions extends DatabaseOption {
  readonly config?: string;
  readonly json?: true;
}

/** Says which settings apply here, and where each came from. */
export function configCommand(finish: Finish): Command {
  return addJson(localCommand('config', 'print the settings that apply, and their sources'))
    .option('--config <file>', 'configuration (default: $RUNCHART_CONFIG, or runchart.config.json)')
    .action(finishing(finish, config));
}

function config(options: ConfigOptions): undefined {
  const { settings, sources, file } = readConfig({
    file: options.config,
    flags: { database: options.db },
  });
  if (options.json) {
    printJson({ file: file ?? null, settings, sources });
    return undefined;
  }
  const rows = SETTING_NAMES.map((name) => [name, String(settings[name] ?? ''), sources[name]]);
  print(clean(table([['SETTING', 'VALUE', 'FROM'], ...rows])));
  return undefined;
}
