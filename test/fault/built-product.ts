/** The product as the child sees it: the modules of a build, typed by the sources they were built from. */

export async function loadProduct(folder: string) {
  const load = <T>(path: string): Promise<T> => import(new URL(path, folder).href);
  const [orchestrator, storage, handlers, environment, runReader] = await Promise.all([
    load<typeof import('../../src/orchestrator.js')>('orchestrator.js'),
    load<typeof import('../../src/persistence/storage.js')>('persistence/storage.js'),
    load<typeof import('../../src/actors/handler-registry.js')>('actors/handler-registry.js'),
    load<typeof import('../../src/actors/environment.js')>('actors/environment.js'),
    load<typeof import('../../src/run-reader.js')>('run-reader.js'),
  ]);
  return { ...orchestrator, ...storage, ...handlers, ...environment, ...runReader };
}

export type Product = Awaited<ReturnType<typeof loadProduct>>;
