/** What is stored of who may do what. Times are milliseconds since the epoch; secrets are stored as SHA-256, in hexadecimal. */

/** A token: it names its principal, and says what he may do with it. */
export interface TokenRecord {
  readonly id: string;
  /** Whose rows it reaches; the empty text is the default tenant. */
  readonly tenant: string;
  /** Name of the principal. */
  readonly principal: string;
  readonly rolesJson: string;
  readonly groupsJson: string;
  readonly secretHash: string;
  readonly createdAt: number;
  readonly createdBy: string | null;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  /** Written at most once in some minutes. */
  readonly lastUsedAt: number | null;
}

/** One request that was to change something. It is there before the change is, without an outcome. */
export interface AuditRecord {
  /** Grows with time. */
  readonly id: string;
  readonly at: number;
  readonly tenant: string;
  /** Null where nobody had to say who he is. */
  readonly principal: string | null;
  readonly token: string | null;
  /** Where it came from. */
  readonly address: string | null;
  /** Method and path of the route. */
  readonly action: string;
  /** The path that was asked for. */
  readonly target: string;
  /** HTTP status of the answer; null where the process stopped before it. */
  readonly status: number | null;
  /** Code of the refusal. */
  readonly code: string | null;
}

/** A link by which one person may answer one task, once. */
export interface TaskLinkRecord {
  readonly id: string;
  readonly task: string;
  readonly tenant: string;
  readonly principal: string;
  readonly groupsJson: string;
  readonly secretHash: string;
  /** Of what the task presents: the link is good for nothing else. */
  readonly presentedDigest: string;
  readonly createdAt: number;
  readonly createdBy: string | null;
  readonly expiresAt: number;
  readonly revokedAt: number | null;
}
