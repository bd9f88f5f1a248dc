/** From findings to the summary that a person sees, and to the report. */

/**
 * @typedef {import('./checks.mjs').Finding} Finding
 * @typedef {{ total: number, counts: Record<string, number>, findings: (Finding & { check: string })[] }} Summary
 */

/** The most findings that travel on; `total` counts them all. */
const MAX_FINDINGS = 500;

/** @param {Record<string, { findings: Finding[] }>} checks @returns {Summary} */
export function summarise(checks) {
  const entries = Object.entries(checks);
  const findings = entries
    .flatMap(([check, result]) => result.findings.map((finding) => ({ check, ...finding })))
    .sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line));
  const counts = Object.fromEntries(
    entries.map(([check, result]) => [check, result.findings.length]),
  );
  return { total: findings.length, counts, findings: findings.slice(0, MAX_FINDINGS) };
}

/** @param {Summary} summary @param {readonly string[]} remarks */
export function renderReport({ total, counts, findings }, remarks) {
  const rows = Object.entries(counts).map(([check, count]) => `| ${check} | ${count} |`);
  return [
    '# Audit of the documents',
    '',
    total === 0 ? 'Nothing was found.' : `${total} findings.`,
    '',
    '| check | findings |',
    '|---|---|',
    ...rows,
    ...section(
      'Findings',
      findings.map(({ file, line, check, message }) => `- ${file}:${line} ${check}: ${message}`),
    ),
    ...section(
      'Remarks',
      remarks.map((remark) => `- ${remark}`),
    ),
    '',
  ].join('\n');
}

/** @param {string} title @param {string[]} lines */
function section(title, lines) {
  return lines.length === 0 ? [] : ['', `## ${title}`, '', ...lines];
}
