import type { IncomingMessage } from 'node:http';
import { type BlockList, isIP, SocketAddress } from 'node:net';
import { LRUCache } from 'lru-cache';
import { type Platform, perProcess } from '../platform/platform.ts';
import { blockList } from '../platform/public-address.ts';

/** Most answers that a process keeps: reading an address takes longer than answering a poll. */
const MAX_KNOWN = 20_000;

/** Characters of X-Forwarded-For that count, from its end, which is what the nearest proxy has written. */
const MAX_FORWARDED = 1_000;

/** Most proxies in a row. */
const MAX_HOPS = 10;

const knownTo = perProcess(({ config, log }) => ({
  proxies: config.TRUSTED_PROXIES && blockList(config.TRUSTED_PROXIES),
  warnOnce: once(() => log.warn('X-Forwarded-For was sent, and TRUSTED_PROXIES is unset: limits count for the proxy')),
  addresses: new LRUCache<string, { readonly address: string | null }>({ max: MAX_KNOWN }),
}));

/**
 * The address that the limits by address count for. It is the peer's; of a peer in TRUSTED_PROXIES the last entry of
 * X-Forwarded-For that is not itself such a proxy. An IPv6 address stands for its network of 64 bits, which one client
 * has whole.
 * @returns null where there is no limit by address, because the peer may speak for everybody: a proxy in TRUSTED_PROXIES
 * that names no client; without TRUSTED_PROXIES a peer on loopback
 */
export function clientAddress(
  platform: Platform,
  { headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>,
): string | null {
  const { proxies, addresses, warnOnce } = knownTo(platform);
  const peer = socket.remoteAddress ?? '';
  // Node joins the header where it was sent several times.
  const forwarded = proxies ? String(headers['x-forwarded-for'] ?? '').slice(-MAX_FORWARDED) : '';
  const key = `${peer} ${forwarded}`;
  let known = addresses.get(key);
  if (!known) {
    if (!proxies && headers['x-forwarded-for'] !== undefined) warnOnce();
    known = { address: read(peer, forwarded, proxies) };
    addresses.set(key, known);
  }
  return known.address;
}

function once(run: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) run();
    isDone = true;
  };
}

/** Who is not believed, and yet may be a proxy. */
const LOOPBACK = blockList(['127.0.0.0/8', '::1/128']);

function read(peer: string, forwarded: string, proxies: BlockList | undefined): string | null {
  const hops = forwarded.split(',').slice(-MAX_HOPS);
  let address = addressIn(peer);
  while (address !== undefined && isIn(proxies ?? LOOPBACK, address)) {
    const before: string | undefined = hops.pop();
    address = proxies && before !== undefined ? addressIn(before) : undefined;
  }
  return address === undefined ? null : networkOf(address);
}

/** The address in an entry, which may have a port; undefined for other text. IPv4 within IPv6 is read as IPv4. */
function addressIn(entry: string): string | undefined {
  const text = entry.trim();
  const bare = /^\[(.+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  const address = /^::ffff:([\d.]+)$/i.exec(bare)?.[1] ?? bare;
  return isIP(address) === 0 ? undefined : address;
}

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** An IPv4 address as it is; the first 64 bits of an IPv6 address, in one spelling. */
function networkOf(address: string): string {
  if (isIP(address) === 4) return address;
  // Without its zone, and with `::` written out.
  const [head = '', tail] = new SocketAddress({
    address: address.split('%')[0] as string,
    family: 'ipv6',
  }).address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const all = [...groups, ...Array.from({ length: 8 - groups.length - after.length }, () => '0'), ...after];
  return `${all.slice(0, 4).join(':')}::/64`;
}
