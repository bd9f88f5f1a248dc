/** Prints the table of docs/configuration.md; a test compares. */
import { SETTING_NAMES, SETTINGS, type Setting } from '../src/config/settings.js';

export function settingsTable(): string {
  const head = ['setting', 'environment', 'flag of `serve`', 'value', 'default', 'what'];
  const rows = SETTING_NAMES.map((name) => {
    const { env, flag, kind, fallback, about }: Setting<unknown> = SETTINGS[name];
    const isNothing = fallback === undefined || (Array.isArray(fallback) && fallback.length === 0);
    const [asFlag, otherwise] = [
      flag === undefined ? '' : `\`--${flag}\``,
      isNothing ? '' : `\`${fallback}\``,
    ];
    return [`\`${name}\``, `\`${env}\``, asFlag, kind.shape, otherwise, about];
  });
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return `${lines.join('\n')}\n`;
}

if (process.argv[1]?.endsWith('settings-table.ts')) process.stdout.write(settingsTable());
