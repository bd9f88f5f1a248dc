/**
 * Which addresses a webhook may be sent to. Invariant: what is not known to be public is refused, in
 * whatever form it is written: IPv4 inside of IPv6 is judged as what it stands for.
 */
import { BlockList, isIP, isIPv4 } from 'node:net';
import { RunchartError } from '../errors.js';

/** What may be reached beside public hosts over https. */
export interface AddressOptions {
  /**
   * Hosts that may be in a private network, and be reached by plain http: names (`hooks.internal`),
   * addresses (`127.0.0.1`), ranges (`10.0.0.0/8`, `fd00::/8`).
   */
  readonly allowPrivate?: readonly string[];
  /** Allows plain http to public hosts too. */
  readonly allowHttp?: boolean;
  /** Allows all of this to webhooks of tenants too; unless true they reach public hosts over https alone. */
  readonly allowTenants?: boolean;
}

/** IPv4 that is not public, after IANA's registry of special-purpose addresses. */
const NOT_PUBLIC_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
/** Within 2000::/3, which is all of IPv6 that is public. */
const NOT_PUBLIC_V6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const refusedV4 = listOf(NOT_PUBLIC_V4, 'ipv4');
const refusedV6 = listOf(NOT_PUBLIC_V6, 'ipv6');
const globalV6 = listOf([['2000::', 3]], 'ipv6');
/** `::ffff:0:0/96`, and what a NAT64 translates: the last four bytes are the address that is reached. */
const standsForV4 = listOf(
  [
    ['::ffff:0:0', 96],
    ['64:ff9b::', 96],
  ],
  'ipv6',
);

/** Whether an address, as the system resolves names to it, is public. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !refusedV4.check(address, 'ipv4');
  if (isIP(address) !== 6 || address.includes('%')) return false;
  if (standsForV4.check(address, 'ipv6')) return isPublicAddress(lastFourBytes(address));
  return globalV6.check(address, 'ipv6') && !refusedV6.check(address, 'ipv6');
}

export class AddressPolicy {
  readonly #hosts = new Set<string>();
  readonly #ranges = new BlockList();
  readonly #allowHttp: boolean;

  /** Throws `argument-invalid` where an entry is neither a name, an address nor a range. */
  constructor({ allowPrivate = [], allowHttp = false }: AddressOptions = {}) {
    this.#allowHttp = allowHttp;
    for (const entry of allowPrivate) this.#allow(entry);
  }

  /** Whether a connection to `host` may go to this address. */
  allows(host: string, address: string): boolean {
    return isPublicAddress(address) || this.#hosts.has(nameOf(host)) || this.#isInRange(address);
  }

  /** What is wrong with a URL before its name is resolved; undefined where nothing is. */
  problemOf(url: URL): string | undefined {
    if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'it is not http or https';
    if (url.username !== '' || url.password !== '') return 'it has a user name or a password';
    const host = nameOf(url.hostname);
    if (isIP(host) !== 0 && !this.allows(host, host)) return `${host} is not a public address`;
    if (url.protocol === 'https:' || this.#allowHttp) return undefined;
    const isAllowed = this.#hosts.has(host) || (isIP(host) !== 0 && this.#isInRange(host));
    return isAllowed ? undefined : 'plain http is not allowed';
  }

  #allow(entry: string): void {
    const [address = '', length, ...rest] = entry.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (isIP(address) !== 0 && rest.length === 0) {
      const longest = family === 'ipv4' ? 32 : 128;
      const bits = length === undefined ? longest : /^\d{1,3}$/.test(length) ? Number(length) : -1;
      if (bits >= 0 && bits <= longest) return this.#ranges.addSubnet(address, bits, family);
    } else if (/^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?$/i.test(entry)) {
      this.#hosts.add(nameOf(entry));
      return;
    }
    const message = `allowPrivate: "${entry}" is neither a host, an address nor a range`;
    throw new RunchartError('argument-invalid', message);
  }

  #isInRange(address: string): boolean {
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    if (isIP(address) === 0) return false;
    if (this.#ranges.check(address, family)) return true;
    return family === 'ipv6' && standsForV4.check(address, 'ipv6')
      ? this.#ranges.check(lastFourBytes(address), 'ipv4')
      : false;
  }
}

/** A host without brackets, in small letters, without the dot of the root. */
export function nameOf(host: string): string {
  return host
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}

/** The last 32 bits of an IPv6 address, as IPv4. */
function lastFourBytes(address: string): string {
  const dotted = /(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  if (dotted?.[1] !== undefined) return dotted[1];
  // The URL parser writes it in its one short form, without dots.
  const { hostname } = new URL(`http://[${address}]`);
  const groups = hostname.slice(1, -1).split(':');
  const [high = '', low = ''] = groups.slice(-2);
  const bits = (Number.parseInt(high || '0', 16) << 16) | Number.parseInt(low || '0', 16);
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
}

function listOf(
  ranges: readonly (readonly [string, number])[],
  family: 'ipv4' | 'ipv6',
): BlockList {
  const list = new BlockList();
  for (const [address, bits] of ranges) list.addSubnet(address, bits, family);
  return list;
}
