/**
 * Which payload files a row names. Beside the rows of artifacts there are what is still on its way to one:
 * products under check, and what open tasks present and have been answered.
 */
import { digestOfName } from '../actors/payload-name.js';
import type { PayloadCodec } from '../actors/ports.js';
import { decodePayload } from './decode-payload.js';
import type { Reader } from './reader.js';

const ON_THE_WAY = `
  select output_json from attempts where ended_at is null and output_json is not null
  union all select presented_json from tasks where status = 'open'
  union all select response_json from responses
    where task in (select id from tasks where status = 'open')`;

/** Names of payload files, as payload-name.ts makes them of a digest and the tenant in the id of a run. */
export const NAME_OF_PAYLOAD = `a.digest || case instr(r.id, '~') when 0 then ''
  else '~' || substr(r.id, 1, instr(r.id, '~') - 1) end`;

/** Of these names of payload files, those that are named; a few hundred at most. */
export async function namedPayloads(
  reader: Reader,
  names: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await reader.cells(
    `select distinct ${NAME_OF_PAYLOAD} from artifacts a join runs r on r.run = a.run
     where a.digest in (select substr(value, 1, 64) from json_each(?))`,
    [JSON.stringify(names)],
  );
  const inRows = new Set(rows.map(([name]) => String(name)));
  const isLeft = (name: string) => !inRows.has(name);
  const left = [...new Set(names.filter(isLeft).map(digestOfName))];
  if (left.length === 0) return inRows;
  const onTheWay = await digestsOnTheWay(reader, left);
  return new Set(names.filter((name) => !isLeft(name) || onTheWay.has(digestOfName(name))));
}

/** Whoever has them on the way: that is over soon. */
async function digestsOnTheWay(
  reader: Reader,
  left: readonly string[],
): Promise<ReadonlySet<string>> {
  if (reader.payloads !== undefined) {
    return new Set(await namedInside(reader, reader.payloads, left));
  }
  const onTheWay = await reader.cells(
    `select distinct given.value from json_each(?) as given
     join (${ON_THE_WAY}) as text on instr(text.output_json, given.value) > 0`,
    [JSON.stringify(left)],
  );
  return new Set(onTheWay.map(([digest]) => String(digest)));
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
