/** What a marketing team and its agent would do, in small. */
const BRIEF = { headline: 'It is here', channels: ['web', 'mail'] };

function draft({ headline = BRIEF.headline }) {
  return {
    ok: true,
    output: { ...BRIEF, headline },
    artifacts: [{ name: 'launch-brief', kind: 'markdown', payload: `# ${headline}\n` }],
  };
}

/** Says what was asked for, as far as a program can. */
function revise({ verdict }) {
  return { headline: `${BRIEF.headline}, as ${verdict}` };
}

const made = (channel) => () => ({ url: `https://example.org/${channel}`, channel });

function publish(assets) {
  return { published: Object.keys(assets).sort() };
}

export const handlers = {
  'agent/cmo': draft,
  'launch/revise': revise,
  'launch/landing': made('web'),
  'launch/emails': made('mail'),
  'launch/publish': publish,
  'launch/note': () => 'called off',
};
