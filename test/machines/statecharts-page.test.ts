import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { statechartsPage } from '../../scripts/statecharts.js';

it('S28 S40 docs/statecharts.md shows the machines as they are', () => {
  const page = readFileSync(new URL('../../docs/statecharts.md', import.meta.url), 'utf8');
  expect(page).toBe(statechartsPage());
});
