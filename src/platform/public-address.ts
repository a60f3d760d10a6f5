import { lookup as askDns } from 'node:dns';
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net';

/**
 * Addresses outside the public internet, by the special-purpose registries of IANA (RFC 6890 and its successors):
 * loopback, private, link-local, shared, documentation, multicast, reserved.
 */
const SPECIAL = blockList([
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'],
]);
/** All allocated public IPv6 addresses; those that embed an IPv4 address lie outside it, or in SPECIAL. */
const GLOBAL = blockList(['2000::/3']);

/** Error for a host that resolves to an address that posts must not be sent to. */
export class AddressRefused extends Error {
  readonly code = 'ADDRESS_REFUSED';
}

/** Whether `address` is an IP address of the public internet; false for other text. */
export function isPublicAddress(address: string): boolean {
  if (isIPv6(address)) return GLOBAL.check(address, 'ipv6') && !SPECIAL.check(address, 'ipv6');
  return isIP(address) === 4 && !SPECIAL.check(address, 'ipv4');
}

/**
 * Resolves the host of a socket that is about to connect, so that the socket connects only to addresses checked here.
 * If one of the addresses is not public, the host is refused.
 */
export const lookupPublic: LookupFunction = (host, options, answer) => {
  askDns(host, { ...options, all: true }, (error, found) => {
    if (error) return answer(error, []);
    const isPublic = found.every(({ address }) => isPublicAddress(address));
    return isPublic ? answer(null, found) : answer(new AddressRefused('an address that is not public'), []);
  });
};

/** The host that a URL leads to: an address in its one spelling, or a name in lower case. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** @param subnets addresses, and networks such as `10.0.0.0/8` */
export function blockList(subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [net = '', bits] = subnet.split('/');
    if (bits === undefined) list.addAddress(net, isIPv6(net) ? 'ipv6' : 'ipv4');
    else list.addSubnet(net, Number(bits), isIPv6(net) ? 'ipv6' : 'ipv4');
  }
  return list;
}
