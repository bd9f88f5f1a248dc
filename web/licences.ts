/** Puts the licences of all that the page is made of beside it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

const PACKAGE = /^(.*\/node_modules\/((?:@[^/]+\/)?[^/]+))\//;

/** `further`: folders of packages that the bundler does not see, since they come as they are. */
export function licences(further: readonly string[]): Plugin {
  return {
    name: 'licences',
    generateBundle() {
      const folders = new Set(further);
      for (const id of this.getModuleIds()) {
        const folder = PACKAGE.exec(id.replaceAll('\\', '/').replace(/^\0/, ''))?.[1];
        if (folder !== undefined) folders.add(folder);
      }
      const texts = [...folders].map(licenceOf).sort();
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source: texts.join('\n\n') });
    },
  };
}

function licenceOf(folder: string): string {
  const text = readFileSync(join(folder, 'package.json'), 'utf8');
  const { name, version, license, repository } = JSON.parse(text) as Record<
    string,
    string | { url?: string }
  >;
  const source = typeof repository === 'object' ? repository.url : repository;
  const files = readdirSync(folder).filter((file) => /^licen[cs]e/i.test(file));
  const words = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return [`${name} ${version}, ${license}, source: ${source}`, ...words].join('\n\n');
}
