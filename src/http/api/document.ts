import { api, route } from '../route.js';
import { jsonObject } from '../schemas/json.js';

export const documentApi = api('document', {
  getDocument: route({
    method: 'get',
    path: '/openapi.json',
    role: 'reader',
    summary: 'this API as an OpenAPI 3.1 document',
    answer: jsonObject,
  }),
  getApiPage: route({
    method: 'get',
    path: '/docs',
    role: 'reader',
    summary: 'a page to read this API on and to try it; it needs nothing from elsewhere',
    answerTypes: ['text/html'],
  }),
  getApiPageFile: route({
    method: 'get',
    path: '/docs/{file}',
    role: 'reader',
    summary: 'script and style of the page',
    answerTypes: ['text/javascript', 'text/css'],
    problems: ['route-unknown'],
  }),
});
