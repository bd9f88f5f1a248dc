/** What people, keys and the like may be called. */
export const MAX_NAME_LENGTH = 256;

/** Whether it is a text of 1 to 256 characters without half of a surrogate pair. */
export function isName(value: unknown): value is string {
  const isText = typeof value === 'string' && value !== '' && value.length <= MAX_NAME_LENGTH;
  return isText && value.isWellFormed();
}
