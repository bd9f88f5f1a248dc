/**
 * The page on which the API is read and tried: Swagger UI, whose files the build puts beside this program.
 * Invariant: the page loads nothing from anywhere but this server.
 */
import { readFile } from 'node:fs/promises';
import type { Context } from 'hono';
import { RequestError } from './problem.js';

const FOLDER = new URL('../../dist/http/api-page/', import.meta.url);
const TYPES: ReadonlyMap<string, string> = new Map([
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['start.js', 'text/javascript; charset=utf-8'],
]);
/** No script or style from elsewhere or within the page; Swagger UI draws its icons from data. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const START = `SwaggerUIBundle({
  url: new URL('openapi.json', document.baseURI).href,
  dom_id: '#api',
  deepLinking: true,
  validatorUrl: null,
});
`;

/** Links count from the path of the page, which has no slash at its end. */
const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Runchart API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="api"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
`;

export function apiPage(context: Context): Response {
  return context.body(PAGE, 200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
  });
}

/** Throws `route-unknown` for any file that is none of the page's. */
export async function apiPageFile(context: Context, file: string): Promise<Response> {
  const type = TYPES.get(file);
  if (type === undefined)
    throw new RequestError('route-unknown', `There is no ${context.req.path}.`);
  const content = file === 'start.js' ? START : await readFile(new URL(file, FOLDER));
  return new Response(content, {
    headers: { 'content-type': type, 'x-content-type-options': 'nosniff' },
  });
}
