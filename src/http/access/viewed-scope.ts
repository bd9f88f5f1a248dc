/** What routes work with for one session: the orchestrator as its tenant sees it. */

import type { Session } from '../../access/access.js';
import { holdsRole } from '../../access/roles.js';
import type { Orchestrator } from '../../orchestrator.js';
import { RequestError } from '../problem.js';
import type { HttpScope } from '../scope.js';

export function viewedScope(scope: HttpScope, host: Orchestrator, session: Session): HttpScope {
  const { tenant, roles, principal } = session;
  const sees = roles.some((role) => role === 'reader' || role === 'operator' || role === 'admin');
  return {
    ...scope,
    orchestrator: host.viewFor({ tenant, principal, isConfined: !sees }),
    session,
    get host() {
      if (holdsRole(session, 'host')) return host;
      throw new RequestError('role-refused', 'This is about the whole installation.');
    },
  };
}
