/** The document as the specification of OpenAPI wants it. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, it } from 'vitest';
import { DOCUMENT } from './support/document.js';

it('the document is OpenAPI 3.1 by the schema of the specification', async () => {
  const validator = new Validator();
  const found = await validator.validate(structuredClone(DOCUMENT) as never);
  expect(found).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
  const broken = { ...structuredClone(DOCUMENT), info: { title: 'no version' } };
  expect(await new Validator().validate(broken as never)).toMatchObject({ valid: false });
});
