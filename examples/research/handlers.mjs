/** The handlers of plan.yaml: an agent whose library is notes.json. */
import { readFile } from 'node:fs/promises';

/**
 * @typedef {{ term: string, text: string }} Note
 * @typedef {{ question: string, terms: string[] }} Question
 */

/** @returns {Promise<Record<string, string>>} */
async function readLibrary() {
  return JSON.parse(await readFile(new URL('notes.json', import.meta.url), 'utf8'));
}

/** The terms of the library that the question names, in its order. @param {{ question?: string }} request */
async function init({ question = 'How do a snapshot and a timer survive a crash?' }) {
  const library = Object.keys(await readLibrary());
  const words = question.toLowerCase().match(/[a-z]+/g) ?? [];
  return { question, terms: library.filter((term) => words.includes(term)) };
}

/**
 * Searches for the first term without a note, or answers when each has one.
 *
 * @param {{ input: Question, previous?: { notes: Note[] } }} loop
 */
function decide({ input, previous }) {
  const notes = previous?.notes ?? [];
  const term = input.terms.find((wanted) => notes.every((note) => note.term !== wanted));
  if (term === undefined) return { ok: true, action: 'answer', output: { notes } };
  return { ok: true, action: 'search', output: { notes, term } };
}

/** Adds the note on a term. @param {{ notes: Note[], term: string }} request */
async function search({ notes, term }) {
  const { [term]: text = '' } = await readLibrary();
  return { notes: [...notes, { term, text }] };
}

/** @param {{ question: string, notes: Note[], exit: string }} findings */
function answer({ question, notes, exit }) {
  const text =
    notes.map((note) => note.text).join(' ') || 'There is nothing about it in the library.';
  return {
    ok: true,
    output: { text, isComplete: exit === 'break' },
    artifacts: [{ name: 'answer', kind: 'text', payload: `${question}\n${text}\n` }],
  };
}

/** @type {import('runchart').Handlers} */
export const handlers = {
  'research/init': init,
  'research/decide': decide,
  'research/search': search,
  'research/answer': answer,
};
