/** Where the fixture handlers are. */
export const MODULE = new URL('./handlers.ts', import.meta.url);
