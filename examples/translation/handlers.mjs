/** The handlers of plan.yaml. They know the phrases of dictionary.json. */
import { readFile } from 'node:fs/promises';

/** @typedef {{ language: string, lines: string[] }} Page */

const dictionary = new URL('dictionary.json', import.meta.url);

/** One page to translate for each language. @param {{ text?: string, languages?: string[] }} request */
function prepare({
  text = 'Good morning\nThank you\nSee you soon',
  languages = ['de', 'es', 'fr', 'it', 'pt'],
}) {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return { pages: languages.map((language) => ({ language, lines })) };
}

/** Translates a page, or each of a chunk of pages. @param {Page | Page[]} work */
async function translate(work) {
  const phrases = JSON.parse(await readFile(dictionary, 'utf8'));
  const one = (/** @type {Page} */ { language, lines }) => ({
    language,
    lines: lines.map((line) => lookUp(phrases, language, line)),
  });
  return Array.isArray(work) ? work.map(one) : one(work);
}

/** @param {Record<string, Record<string, string>>} phrases @param {string} language @param {string} line */
function lookUp(phrases, language, line) {
  const found = phrases[language]?.[line];
  if (found !== undefined) return found;
  const message = `there is no "${line}" in the language "${language}"`;
  // To look again would not help.
  throw Object.assign(new Error(message), { code: 'phrase-unknown', retryable: false });
}

/** Languages that failed are null. @param {(Page | null)[]} translations */
function save(translations) {
  const pages = translations.filter((page) => page !== null);
  const text = pages.map(({ language, lines }) => `${language}: ${lines.join(' / ')}\n`).join('');
  return {
    ok: true,
    output: { languages: pages.map(({ language }) => language) },
    artifacts: [{ name: 'translations', kind: 'text', payload: text }],
  };
}

/** @type {import('runchart').Handlers} */
export const handlers = {
  'translation/prepare': prepare,
  'translation/translate': translate,
  'translation/save': save,
};
