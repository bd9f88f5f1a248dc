/** The product as the child sees it: the modules of a build, typed by the sources they were built from. */

export async function loadProduct(folder: string) {
  const load = <T>(path: string): Promise<T> => import(new URL(path, folder).href);
  const [orchestrator, storage] = await Promise.all([
    load<typeof import('../../src/create-orchestrator.js')>('create-orchestrator.js'),
    load<typeof import('../../src/persistence/storage.js')>('persistence/storage.js'),
  ]);
  return { ...orchestrator, ...storage };
}

export type Product = Awaited<ReturnType<typeof loadProduct>>;
