/** Reads Markdown: which files there are, and their lines outside of code. */
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';

/**
 * Markdown files below `folder`, then `alsoFiles`, relative to the working directory and sorted.
 * Refuses what lies outside of the working directory.
 *
 * @param {string} folder
 * @param {readonly string[]} alsoFiles
 */
export async function listDocuments(folder, alsoFiles) {
  const root = await locate(folder);
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const found = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => relative(process.cwd(), join(entry.parentPath ?? entry.path, entry.name)));
  const also = await Promise.all(
    alsoFiles.map(async (file) => relative(process.cwd(), await locate(file))),
  );
  return [...new Set([...found, ...also])].sort();
}

/** @param {string} path */
async function locate(path) {
  const here = await realpath(process.cwd());
  const found = await realpath(resolve(here, path)).catch(() => {
    throw Object.assign(new Error(`there is no ${path}`), { code: 'not-found', retryable: false });
  });
  if (found === here || found.startsWith(here + sep)) return found;
  throw Object.assign(new Error(`${path} lies outside of the working directory`), {
    code: 'outside',
    retryable: false,
  });
}

/**
 * The lines of a document; those within code fences are marked.
 *
 * @param {string} file
 * @returns {Promise<{ number: number, text: string, isCode: boolean }[]>}
 */
export async function readLines(file) {
  const text = await readFile(await locate(file), 'utf8');
  let fence = '';
  return text.split('\n').map((line, index) => {
    const [mark = ''] = /^\s*(```+|~~~+)/.exec(line) ?? [];
    const isFence = mark !== '' && (fence === '' || mark.trim().startsWith(fence));
    if (isFence) fence = fence === '' ? mark.trim() : '';
    return { number: index + 1, text: line, isCode: isFence || fence !== '' };
  });
}

/** The anchors that a document's headings make, as GitHub makes them. @param {string} file */
export async function anchorsOf(file) {
  const seen = new Map();
  const anchors = new Set();
  for (const { text, isCode } of await readLines(file)) {
    const heading = isCode ? undefined : /^#{1,6}\s+(.*?)\s*#*$/.exec(text)?.[1];
    if (heading === undefined) continue;
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-');
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    anchors.add(times === 0 ? slug : `${slug}-${times}`);
  }
  return anchors;
}

/** Where a relative link leads. @param {string} from @param {string} target */
export function resolveLink(from, target) {
  return target === '' ? from : join(dirname(from), decodeURIComponent(target));
}

/** @param {string} path */
export async function exists(path) {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
