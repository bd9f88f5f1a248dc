/** A result as it is sent: payloads of its artifacts that are too large to come with it are uploaded ahead. */
import type { Json, KeptPayload } from './messages.js';

/** Longest payload that comes with the result, in characters of JSON. */
const MAX_INLINE = 128 * 1024;

type Artifact = { readonly [key: string]: Json };

/** The result with digests in place of large payloads; itself where it has none. Rejects as `upload` does. */
export async function uploadedResult(
  result: Json,
  upload: (json: string) => Promise<KeptPayload>,
): Promise<Json> {
  if (!isObject(result) || !Array.isArray(result.artifacts)) return result;
  const artifacts: Json[] = [];
  let isChanged = false;
  for (const artifact of result.artifacts as readonly Json[]) {
    const json = isObject(artifact) ? JSON.stringify(artifact.payload) : undefined;
    if (json === undefined || json.length <= MAX_INLINE) {
      artifacts.push(artifact);
      continue;
    }
    const { payload: _, ...named } = artifact as Artifact;
    const { digest, bytes } = await upload(json);
    artifacts.push({ ...named, digest, bytes });
    isChanged = true;
  }
  return isChanged ? { ...result, artifacts } : result;
}

function isObject(value: Json): value is Artifact {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
