/** The handler of plan.yaml. */

/** @param {{ payload?: unknown, error?: string }} request */
function echo({ payload = 'Hello', error }) {
  if (error !== undefined) throw new Error(error);
  return { ok: true, output: payload };
}

/** @type {import('runchart').Handlers} */
export const handlers = { echo };
