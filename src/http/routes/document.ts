import { documentApi } from '../api/document.js';
import { apiPage, apiPageFile } from '../api-page.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';

/** The API as a document, and a page to try it on. */
export function serveDocument(server: RouteServer, _scope: HttpScope): void {
  server.serve(documentApi, {
    getDocument: () => server.document(),
    getApiPage: ({ context }) => apiPage(context),
    getApiPageFile: ({ context, params }) => apiPageFile(context, params.file),
  });
}
