import { lookup as askDns } from 'node:dns';
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net';

/**
 * What is not of the public internet, by the special-purpose registries of IANA (RFC 6890 and its successors): loopback,
 * private, link-local, shared, documentation, multicast, reserved.
 */
const SPECIAL = blockList([
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'],
]);
/** All that is given out of IPv6; what leads to IPv4 in disguise lies outside, or in SPECIAL. */
const GLOBAL = blockList(['2000::/3']);

/** A host that alerts must not be sent to, for where it leads. */
export class AddressRefused extends Error {
  readonly code = 'ADDRESS_REFUSED';
}

/** Whether an IP address is one of the public internet. */
export function isPublicAddress(address: string): boolean {
  if (isIPv6(address)) return GLOBAL.check(address, 'ipv6') && !SPECIAL.check(address, 'ipv6');
  return isIP(address) === 4 && !SPECIAL.check(address, 'ipv4');
}

/**
 * Asks the DNS for a socket that is about to connect, which therefore connects to what was judged here and to nothing
 * else. One address among them that is not public refuses the host.
 */
export const lookupPublic: LookupFunction = (host, options, answer) => {
  askDns(host, { ...options, all: true }, (error, found) => {
    if (error) return answer(error, []);
    const isPublic = found.every(({ address }) => isPublicAddress(address));
    return isPublic ? answer(null, found) : answer(new AddressRefused('an address that is not public'), []);
  });
};

function blockList(subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [net = '', bits] = subnet.split('/');
    list.addSubnet(net, Number(bits), isIPv6(net) ? 'ipv6' : 'ipv4');
  }
  return list;
}
