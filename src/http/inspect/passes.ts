/**
 * Who may look: a ticket is used once, since addresses are kept in histories and logs; it opens one socket, or a
 * session of the page. Invariants: nothing is compared but digests; each kind has a limit, beyond which the oldest
 * one goes.
 */
import { createHash, randomBytes } from 'node:crypto';
import { RecentMap } from '../../recent-map.js';

const MAX_TICKETS = 200;
const MAX_SESSIONS = 100;

export class Passes {
  readonly #tickets = new RecentMap<string, true>(MAX_TICKETS);
  readonly #sessions = new RecentMap<string, true>(MAX_SESSIONS);

  /** A ticket that can be used once. */
  issue(): string {
    return add(this.#tickets);
  }

  /** Whether the ticket was good; it is not any more. */
  redeem(ticket: string): boolean {
    return this.#tickets.delete(digest(ticket));
  }

  /** A session in exchange for a ticket; undefined where that is none. */
  openSession(ticket: string): string | undefined {
    return this.redeem(ticket) ? add(this.#sessions) : undefined;
  }

  isSession(session: string): boolean {
    return this.#sessions.has(digest(session));
  }
}

function add(digests: Map<string, true>): string {
  const secret = randomBytes(32).toString('base64url');
  digests.set(digest(secret), true);
  return secret;
}

function digest(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
