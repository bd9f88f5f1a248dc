/** The page of the inspector as it was built: files by name, and what a browser may do with them. */
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import type { Context } from 'hono';

/** The same for the source and for what is built of it. */
const FOLDER = new URL('../../../dist/inspector/', import.meta.url);
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
};

/** Scripts, styles and connections of this server alone; React sets styles of elements. */
const OWN_ONLY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
];
const NOBODY_ELSE = ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"];

const HEADERS = {
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

export class PageFiles {
  readonly #files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

  /** Reads all of them. There are none where the page was not built. */
  constructor(folder = FOLDER) {
    this.#files = new Map(
      namesIn(folder).map((name) => [name, new Uint8Array(readFileSync(new URL(name, folder)))]),
    );
  }

  /** The file, or undefined where there is none of this name. */
  answer(context: Context, name: string): Response | undefined {
    const content = this.#files.get(name);
    if (content === undefined) return undefined;
    return context.body(content, 200, {
      ...HEADERS,
      'content-type': TYPES[extname(name)] ?? 'application/octet-stream',
      'content-security-policy': policy(name),
    });
  }
}

/** The page that shows another one in a frame may show that one. */
function policy(name: string): string {
  const frames = name === 'stately.html' ? ['frame-src https://stately.ai'] : [];
  return [...OWN_ONLY, ...frames, ...NOBODY_ELSE].join('; ');
}

function namesIn(folder: URL): string[] {
  try {
    const found = readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: false });
    return found.map((name) => name.replaceAll('\\', '/')).filter((name) => extname(name) !== '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
