/** What of the log webhooks have still to be given, for whoever removes old parts of it. */
export interface Undelivered {
  /** Turns after it may not have been delivered to a webhook that is enabled. */
  readonly turn: number;
  /** Of these runs, by number, events after this one were not. */
  readonly runs: ReadonlyMap<number, number>;
}

export interface Deliveries {
  /** What has to stay; undefined where there are no webhooks. */
  undelivered(): Promise<Undelivered | undefined>;
  /** Turns up to this one are gone. */
  noteRemoved(turn: number): Promise<void>;
}
