import { holdsRole } from '../../access/roles.js';
import { answerByLink, showLink } from '../access/link-answers.js';
import { accessApi } from '../api/access.js';
import { RequestError } from '../problem.js';
import { Reply } from '../reply.js';
import type { HttpScope } from '../scope.js';
import type { RouteServer } from '../serve-routes.js';

/** Tokens, the audit, and links by which a task is answered without a token. */
export function serveAccess(server: RouteServer, scope: HttpScope): void {
  const { orchestrator, access, audit } = scope;
  const { tasks } = orchestrator;
  server.serve(accessApi, {
    async createToken({ body }) {
      const tenant = tenantFor(scope, body.tenant);
      return new Reply(await access.createToken({ ...body, tenant }), 201);
    },
    listTokens: async ({ query: { tenant, ...page } }) => ({
      tokens: await access.tokens({ ...page, tenant: tenantFor(scope, tenant) }),
    }),
    revokeToken: ({ params }) => access.revokeToken(params.id, { tenant: tenantFor(scope) }),
    listAudit: async ({ query: { tenant, ...page } }) => ({
      audit: await audit.list({ ...page, tenant: tenantFor(scope, tenant) }),
    }),
    async createTaskLink({ params, body }) {
      const { secret, ...link } = await tasks.link(params.id, body);
      return new Reply({ ...link, path: `/links/${secret}` }, 201);
    },
    async revokeTaskLinks({ params }) {
      await tasks.revokeLinks(params.id);
      return { task: params.id };
    },
    openLink: ({ context, params }) => showLink(context, scope, params.secret),
    answerLink: ({ context, params }) => answerByLink(context, scope, params.secret),
  });
}

/** Whose tokens and records are meant; undefined for those of all. Throws `role-refused`. */
function tenantFor({ session }: HttpScope, asked?: string): string | undefined {
  if (session === undefined || holdsRole(session, 'host')) return asked;
  if (asked === undefined || asked === session.tenant) return session.tenant;
  throw new RequestError('role-refused', 'This is another tenant’s.');
}
