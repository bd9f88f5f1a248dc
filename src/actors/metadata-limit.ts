/** What is known of a run beside its input is listed with it, and so is small: characters of JSON in all. */
export const MAX_METADATA_LENGTH = 65_536;
