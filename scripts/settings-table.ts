/** Writes the table of docs/configuration.md: `npm run settings`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { SETTING_NAMES, SETTINGS, type Setting } from '../src/config/settings.js';

const PAGE = new URL('../docs/configuration.md', import.meta.url);
const TABLE = /\| setting \|[\s\S]*?\n\n/;

/** The page with its table as the settings have it. */
export function withSettings(page: string): string {
  return page.replace(TABLE, () => `${settingsTable()}\n`);
}

function settingsTable(): string {
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

if (process.argv[1]?.endsWith('settings-table.ts')) {
  writeFileSync(PAGE, withSettings(readFileSync(PAGE, 'utf8')));
}
