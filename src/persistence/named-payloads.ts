/**
 * Which payload files a row names. Beside the rows of artifacts there are what is still on its way to one:
 * products under check, and what open tasks present and have been answered.
 */
import type { PayloadCodec } from '../actors/ports.js';
import { decodePayload } from './decode-payload.js';
import type { Reader } from './reader.js';

const ON_THE_WAY = `
  select output_json from attempts where ended_at is null and output_json is not null
  union all select presented_json from tasks where status = 'open'
  union all select response_json from responses
    where task in (select id from tasks where status = 'open')`;

/** Of these digests, those that are named; a few hundred at most. */
export async function namedPayloads(
  reader: Reader,
  digests: readonly string[],
): Promise<ReadonlySet<string>> {
  const list = JSON.stringify(digests);
  const rows = await reader.cells(
    'select distinct digest from artifacts where digest in (select value from json_each(?))',
    [list],
  );
  const named = new Set(rows.map(([digest]) => String(digest)));
  if (named.size === digests.length) return named;
  const left = digests.filter((digest) => !named.has(digest));
  if (reader.payloads !== undefined)
    return new Set([...named, ...(await namedInside(reader, reader.payloads, left))]);
  const onTheWay = await reader.cells(
    `select distinct given.value from json_each(?) as given
     join (${ON_THE_WAY}) as text on instr(text.output_json, given.value) > 0`,
    [JSON.stringify(left)],
  );
  for (const [digest] of onTheWay) named.add(String(digest));
  return named;
}

const PAGE = 200;

/** As the statement above finds them, in texts that the database cannot read. */
async function namedInside(
  reader: Reader,
  payloads: PayloadCodec,
  digests: readonly string[],
): Promise<readonly string[]> {
  const named = new Set<string>();
  for (let offset = 0; ; offset += PAGE) {
    const page = await reader.cells(`${ON_THE_WAY} limit ${PAGE} offset ${offset}`);
    for (const [stored] of page) {
      const text = decodePayload(payloads, String(stored));
      for (const digest of digests) if (text.includes(digest)) named.add(digest);
    }
    if (page.length < PAGE) return [...named];
  }
}
