import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';

/** Preload: names of the tests lead to this machine, openly or among addresses that are public. */
const ADDRESSES: Record<string, dns.LookupAddress[]> = {
  'inside.example.com': [{ address: '127.0.0.1', family: 4 }],
  'mixed.example.com': [
    { address: '127.0.0.1', family: 4 },
    { address: '2606:4700::1', family: 6 },
  ],
  'mapped.example.com': [{ address: '::ffff:127.0.0.1', family: 6 }],
};
const original = dns.lookup;

dns.lookup = ((host: string, options: dns.LookupAllOptions, answer: (...args: unknown[]) => void) => {
  const addresses = ADDRESSES[host];
  if (!addresses) return original(host, options, answer);
  process.send?.({ type: 'lookup', value: host });
  if (options.all) answer(null, addresses);
  else answer(null, addresses[0]?.address, addresses[0]?.family);
}) as typeof dns.lookup;
syncBuiltinESMExports();
