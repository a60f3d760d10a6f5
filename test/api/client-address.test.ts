import { expect, it } from 'vitest';
import { clientAddress } from '../../src/api/client-address.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { read } from '../support/sources.ts';

const warnings: string[] = [];
const warn = (text: string): void => void warnings.push(text);

/** The address that counts for a request from `peer`, with X-Forwarded-For, where some proxies are trusted. */
function counted(peer: string | undefined, forwarded?: string, trusted?: string[]): string | null {
  const platform = { config: { TRUSTED_PROXIES: trusted }, log: { warn } } as unknown as Platform;
  const request = { headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }, socket: {} };
  return clientAddress(platform, Object.assign(request, { socket: { remoteAddress: peer } }) as never);
}

it('the address of the peer counts, and nobody is believed who is not trusted', () => {
  expect(counted('198.51.100.7')).toBe('198.51.100.7');
  expect(counted('198.51.100.7', '203.0.113.9')).toBe('198.51.100.7');
  expect(counted('198.51.100.7', '203.0.113.9', ['10.0.0.0/8'])).toBe('198.51.100.7');
});

it('loopback has no address without TRUSTED_PROXIES, however it is spelt, and a closed connection has none', () => {
  for (const peer of ['127.0.0.1', '127.3.2.1', '::1', '::ffff:127.0.0.1']) {
    expect(counted(peer), peer).toBeNull();
    expect(counted(peer, '203.0.113.9'), peer).toBeNull();
  }
  expect(counted(undefined)).toBeNull();
});

it('a proxy that is not configured is told of in the log', () => {
  const before = warnings.length;
  counted('198.51.100.7');
  counted('10.0.0.1', '203.0.113.9', ['10.0.0.1']);
  expect(warnings).toHaveLength(before);
  counted('198.51.100.7', '203.0.113.9');
  expect(warnings.slice(before)).toEqual([expect.stringContaining('TRUSTED_PROXIES')]);
});

it('behind trusted proxies the last address that is none of them counts, and what a client wrote before it does not', () => {
  const trusted = ['10.0.0.0/8', '2001:db8::5'];
  expect(counted('10.1.2.3', '203.0.113.9', trusted)).toBe('203.0.113.9');
  expect(counted('10.1.2.3', '192.0.2.1, 203.0.113.9', trusted)).toBe('203.0.113.9');
  expect(counted('::ffff:10.1.2.3', '203.0.113.9, 10.9.9.9', trusted)).toBe('203.0.113.9');
  expect(counted('2001:db8::5', '203.0.113.9', trusted)).toBe('203.0.113.9');
});

it('an entry may have a port, and what a client wrote before the last entry costs nothing', () => {
  expect(counted('10.0.0.1', '203.0.113.9:4711', ['10.0.0.1'])).toBe('203.0.113.9');
  expect(counted('10.0.0.1', '[2001:db8:1:2::9]:4711', ['10.0.0.1'])).toBe('2001:db8:1:2::/64');
  expect(counted('10.0.0.1', `${'x'.repeat(100_000)}, 203.0.113.9`, ['10.0.0.1'])).toBe('203.0.113.9');
});

it('a trusted proxy that names no client has no address: it may speak for everybody', () => {
  const trusted = ['127.0.0.1', '10.0.0.0/8'];
  expect(counted('127.0.0.1', undefined, trusted)).toBeNull();
  expect(counted('10.1.2.3', '', trusted)).toBeNull();
  expect(counted('10.1.2.3', '10.0.0.8', trusted)).toBeNull();
  expect(counted('10.1.2.3', '203.0.113.9, unknown', trusted)).toBeNull();
});

it('all addresses of one IPv6 network of 64 bits count as one, in whatever spelling', () => {
  const one = ['2001:db8:0:7::1', '2001:DB8::7:a:b:c:d', '2001:db8:0000:0007:ffff:ffff:ffff:ffff'];
  expect(one.map((peer) => counted(peer))).toEqual(one.map(() => '2001:db8:0:7::/64'));
  expect(counted('2001:db8:0:8::1')).toBe('2001:db8:0:8::/64');
  expect(counted('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
});

it('docker-compose.yml trusts the gateway of its network, and no client in that network or another private one', () => {
  const text = read('docker-compose.yml');
  const gateway = /^ +gateway: (\S+)$/m.exec(text)?.[1] as string;
  const trusted = /TRUSTED_PROXIES:-([^}]+)\}/.exec(text)?.[1]?.split(',');
  expect(trusted).toEqual([gateway]);
  expect(counted(gateway, undefined, trusted)).toBeNull();
  for (const client of [gateway.replace(/\d+$/, '2'), '172.17.0.1', '172.16.5.6', '192.168.1.7', '10.0.0.1']) {
    expect(counted(client, '203.0.113.9', trusted), client).toBe(client);
  }
});
