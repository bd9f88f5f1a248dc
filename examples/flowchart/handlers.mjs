const page = 'Opening hours: we are really very much open from nine to five';

export const handlers = {
  fetch: () => ({ text: page }),
  measure: ({ text }) => ({ text, words: text.split(' ').length }),
  shorten: ({ text }) => ({ text: text.replace('really very much ', '') }),
  publish: ({ text }) => `published: ${text}`,
};
