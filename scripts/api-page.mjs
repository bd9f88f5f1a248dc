/** Puts the files of the API page where the server finds them; part of the build. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const from = dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/package.json')));
const to = fileURLToPath(new URL('../dist/http/api-page/', import.meta.url));
mkdirSync(to, { recursive: true });
for (const file of [
  ...['swagger-ui-bundle.js', 'swagger-ui.css'],
  ...['swagger-ui-bundle.js.LICENSE.txt', 'LICENSE', 'NOTICE'],
]) {
  copyFileSync(join(from, file), join(to, file));
}
