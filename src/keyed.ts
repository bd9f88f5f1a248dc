/** What every call that changes something may say of itself. */
export interface Keyed {
  /**
   * Names the call, in 1 to 256 characters: made again with the same key it is answered as before and does
   * nothing more; another call with the key is refused with `idempotency-key-reused`.
   */
  readonly idempotencyKey?: string | undefined;
}
