/** The handlers of plan.yaml: `process` works at once, `fetch` takes its time. */
import { readFile } from 'node:fs/promises';

/** @param {{ title?: string }} request @param {import('runchart').HandlerContext} context */
function nameFile({ title = 'Opening hours' }, { node }) {
  const words = title.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return result('process', node, { file: `${words.join('-')}.txt` });
}

/** @param {{ file: string }} request @param {import('runchart').HandlerContext} context */
async function fetchPage({ file }, { node }) {
  const text = await readFile(new URL(`pages/${file}`, import.meta.url), 'utf8').catch(() => {
    throw new Error(`there is no page ${file}`);
  });
  return result('fetch', node, { text: text.trim() });
}

/** The output, and an artifact that tells which step it came from. */
function result(
  /** @type {string} */ step,
  /** @type {string} */ id,
  /** @type {object} */ output,
) {
  const payload = { step, step_id: id };
  return { ok: true, output, artifacts: [{ name: `task:${step}`, kind: 'json', payload }] };
}

/** @type {import('runchart').Handlers} */
export const handlers = { process: nameFile, fetch: fetchPage };
