import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ConfigError, KEYS, RATES, readConfig } from '../src/config.ts';

function faultsOf(env: NodeJS.ProcessEnv): string[] {
  try {
    readConfig(env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message.split('\n');
  }
  throw new Error(`taken as it is: ${JSON.stringify(env)}`);
}

describe('a bad value is named with its key, its fault and an example', () => {
  it.each([
    ['PORT', 'abc', 'is "abc" but must be a whole number from 0 to 65535'],
    ['PORT', '65536', 'is "65536" but must be a whole number from 0 to 65535'],
    ['PORT', '-1', 'must be a whole number'],
    ['PORT', '80.5', 'must be a whole number'],
    ['PORT', '4e3', 'must be a whole number'],
    ['PORT', ' 4000', 'must be a whole number'],
    ['HOST', 'http://localhost', 'must be an address or a host name'],
    ['HOST', '-', 'must be an address or a host name'],
    ['DATA_DIR', 'x'.repeat(5_000), 'has 5000 characters but must have 1 to 4096'],
    ['DATABASE_URL', 'db:5432', 'must be a URL that starts with postgres:// or postgresql://'],
    ['DATABASE_URL', 'mysql://db/onsale', 'must be a URL that starts with postgres://'],
    ['REDIS_URL', 'http://cache', 'must be a URL that starts with redis:// or rediss://'],
    ['OPERATOR_NAME', 'ab', 'has 2 characters but must have 3 to 40'],
    ['AUTH_SECRET', 'too short', 'has 9 characters but must have 16 to 1000'],
    ['AUTH_JWKS_URL', 'id.example.com', 'must be a URL that starts with https:// or http://'],
    ['HOLD_SECONDS', '0', 'must be a whole number from 1 to 86400'],
    ['SEATS_PER_USER', '1001', 'must be a whole number from 1 to 1000'],
    ['LATE_PAYMENT', 'Refuse', 'is "Refuse" but must be one of refuse, accept'],
    ['ON_PAYMENT_FAILURE', 'drop', 'is "drop" but must be one of keep, release'],
    ['CANCEL_HOURS', '-1', 'must be a whole number from 0 to 8760'],
    ['BALANCE_LIMIT', '1000000000001', 'must be a whole number'],
    ['CHARGES', 'free', 'is "free" but must be one of open, operator, provider'],
    ['CHARGE_WEBHOOK_SECRET', 'whsec_c2hvcnQ=', 'has a part that is not whsec_ and the Base64 of 24 to 64 bytes'],
    ['WALLET_EXPIRY_DAYS', '0', 'must be a whole number from 1 to 36500'],
    ['WALLET_GUARD', 'redis', 'is "redis" but must be one of optimistic, pessimistic, redis-lock'],
    ['ALERT_HOSTS', 'https://hooks.internal', 'must be an address or a host name'],
    ['ALERT_HOSTS', 'hooks.internal,', 'is "" but must be an address or a host name'],
    ['ALERT_HOSTS', 'hooks.internal:8443', 'must be an address or a host name'],
    ['ALERT_HOSTS', '10.0.0.256', 'has "10.0.0.256", which is no address and no host name'],
    ['SMTP_URL', 'mail.example.com', 'must be a URL that starts with smtp:// or smtps://'],
    ['SMTP_FROM', 'Tickets <tickets@example.com>', 'must be an address such as tickets@example.com'],
    ['SMTP_FROM', 'a@b@c', 'must be an address such as tickets@example.com'],
    ['AUDIT_MINUTES', '-1', 'must be a whole number from 0 to 10080'],
    ['QUEUE_STUCK_SECONDS', '0', 'must be a whole number from 1 to 86400'],
    ['AWAY_SECONDS', '0', 'must be a whole number from 1 to 3600'],
    ['JOB_LATE_SECONDS', '1.5', 'must be a whole number from 1 to 86400'],
    ['DISK_FREE_PERCENT', '101', 'must be a whole number from 0 to 100'],
    ['TIME_ZONE', 'Seoul', 'is "Seoul" but must be an IANA time zone'],
    ['CURRENCY', 'won', 'is "won" but must be an ISO 4217 code'],
    ['DEMO_DATA', 'yes', 'must be one of on, off'],
    ['EXPLORER', 'yes', 'must be one of on, off'],
    ['CORS_ORIGINS', 'tickets.example.com', 'is no origin such as'],
    [
      'CORS_ORIGINS',
      'https://a.example.com,https://b.example.com/path',
      'has "https://b.example.com/path", which is no origin',
    ],
    ['CORS_ORIGINS', '*', 'has "*", which is no origin'],
    ['CORS_ORIGINS', 'https://a.example.com,', 'has "", which is no origin'],
    ['TRUSTED_PROXIES', 'proxy.internal', 'must be an address, or a network such as 10.0.0.0/8'],
    ['TRUSTED_PROXIES', '10.0.0.1,', 'is "" but must be an address, or a network such as 10.0.0.0/8'],
    ['TRUSTED_PROXIES', '10.0.0.0/33', 'must be an address, or a network such as 10.0.0.0/8'],
    ['TRUSTED_PROXIES', '10.0.0.0/8/8', 'must be an address, or a network such as 10.0.0.0/8'],
    ['RATE_LIMITS', 'on', 'has "on", which is no rate=most/seconds'],
    ['RATE_LIMITS', 'claims=0/60', 'has "claims=0/60", which is no rate=most/seconds'],
    ['RATE_LIMITS', 'claims=10', 'has "claims=10", which is no rate=most/seconds'],
    ['RATE_LIMITS', 'claims=10/60,toString=1/1', 'has "toString=1/1", which is no rate=most/seconds'],
    ['HASH_MEMORY_KIB', '7', 'must be a whole number from 8 to 1048576'],
    ['HASH_PASSES', '0', 'must be a whole number from 1 to 100'],
    ['HASHES_AT_ONCE', '0', 'must be a whole number from 1 to 64'],
    ['LOG_LEVEL', 'verbose', 'must be one of fatal, error, warn, info, debug, trace, silent'],
  ])('%s=%s', (name, value, fault) => {
    const [line, ...more] = faultsOf({ [name]: value });
    expect(more).toEqual([]);
    expect(line?.startsWith(`${name} `)).toBe(true);
    expect(line).toContain(fault);
    expect(line).toMatch(new RegExp(`\\(example: ${name}=.+\\)$`));
  });

  it('but a secret is not: what was set by mistake does not end up in a log', () => {
    for (const env of [
      { AUTH_SECRET: 'hunter2' },
      { OPERATOR_PASSWORD: 'hunter2' },
      { DATABASE_URL: 'postgre://user:hunter2@db/onsale' },
      { REDIS_URL: 'user:hunter2@cache' },
      { SMTP_URL: 'http://user:hunter2@mail' },
      { CHARGE_WEBHOOK_SECRET: 'whsec_hunter2' },
    ]) {
      expect(faultsOf(env).join()).not.toContain('hunter2');
    }
  });

  it('and one of enormous length is cut short', () => {
    expect(faultsOf({ PORT: '9'.repeat(100_000) }).join().length).toBeLessThan(300);
  });
});

it('CHARGES=provider without a secret of its webhooks is named', () => {
  expect(faultsOf({ CHARGES: 'provider' })).toEqual([
    expect.stringMatching(
      /^CHARGES is provider, which needs CHARGE_WEBHOOK_SECRET \(example: CHARGE_WEBHOOK_SECRET=whsec_/,
    ),
  ]);
});

it('several bad values are all named at once, one a line, in the order of the documentation', () => {
  const lines = faultsOf({ CURRENCY: 'X', PORT: 'abc', AUTH_SECRET: 'x', OPERATOR_PASSWORD: 'short' });
  expect(lines.map((line) => line.split(' ')[0])).toEqual(['PORT', 'OPERATOR_PASSWORD', 'AUTH_SECRET', 'CURRENCY']);
});

it('what is unset or empty has the documented default', () => {
  const unset = readConfig({});
  expect(unset).toMatchObject({
    PORT: 4_000,
    HOST: '127.0.0.1',
    DATA_DIR: '.data',
    AUTH_ROLE_CLAIM: 'role',
    HOLD_SECONDS: 300,
    SEATS_PER_USER: 8,
    UNPAID_ORDERS_PER_USER: 3,
    UNPAID_PIECES_PER_USER: 200,
    ANONYMOUS_SOCKETS: 5_000,
    ANONYMOUS_SOCKETS_PER_ADDRESS: 1_000,
    BUSY_MS: 100,
    LATE_PAYMENT: 'refuse',
    ON_PAYMENT_FAILURE: 'keep',
    CANCEL_HOURS: 24,
    WALLET_GUARD: 'optimistic',
    BALANCE_LIMIT: 1_000_000_000,
    AUDIT_MINUTES: 60,
    QUEUE_STUCK_SECONDS: 60,
    AWAY_SECONDS: 5,
    JOB_LATE_SECONDS: 60,
    DISK_FREE_PERCENT: 5,
    TIME_ZONE: 'Asia/Seoul',
    CURRENCY: 'KRW',
    LOG_LEVEL: 'info',
    NODE_ENV: 'development',
  });
  for (const name of [
    'DATABASE_URL',
    'REDIS_URL',
    'OPERATOR_NAME',
    'OPERATOR_PASSWORD',
    'AUTH_SECRET',
    'AUTH_JWKS_URL',
    'CORS_ORIGINS',
    'DEMO_DATA',
    'CHARGES',
    'CHARGE_WEBHOOK_SECRET',
    'WALLET_EXPIRY_DAYS',
    'ALERT_HOSTS',
    'SMTP_URL',
    'SMTP_FROM',
  ] as const) {
    expect(unset[name], name).toBeUndefined();
  }
  expect(readConfig(Object.fromEntries(Object.keys(KEYS).map((name) => [name, ''])))).toEqual(unset);
});

it('each example is a value that is taken', () => {
  for (const [name, { example }] of Object.entries(KEYS)) {
    expect(() => readConfig({ [name]: example }), name).not.toThrow();
  }
});

it('values that are at the edge are taken as they are meant', () => {
  expect(
    readConfig({
      PORT: '0',
      HOST: '::',
      HOLD_SECONDS: '86400',
      TIME_ZONE: 'UTC',
      CURRENCY: 'JPY',
      CORS_ORIGINS: 'https://a.example.com , http://b.example.com:81',
      ALERT_HOSTS: 'Hooks.Internal, FD00:0::1,127.1',
    }),
  ).toMatchObject({
    PORT: 0,
    HOST: '::',
    HOLD_SECONDS: 86_400,
    TIME_ZONE: 'UTC',
    CURRENCY: 'JPY',
    CORS_ORIGINS: ['https://a.example.com', 'http://b.example.com:81'],
    ALERT_HOSTS: ['hooks.internal', 'fd00::1', '127.0.0.1'],
  });
});

it('every key is in docs/configuration.md, and no other', () => {
  const page = readFileSync(new URL('../docs/configuration.md', import.meta.url), 'utf8');
  const documented = [...page.matchAll(/^\| `([A-Z_]+)` /gm)].map(([, name]) => name);
  expect(documented).toEqual(Object.keys(KEYS));
});

it('every rate is in docs/configuration.md with what it allows, and no other', () => {
  const page = readFileSync(new URL('../docs/configuration.md', import.meta.url), 'utf8');
  const documented = [...page.matchAll(/^\| ([a-z]\w+) +\| (\d+) +\| (\d+) +\| (.*?) +\|/gm)].map(
    ([, name, points, seconds, about]) => [name, Number(points), Number(seconds), about],
  );
  expect(documented).toEqual(
    Object.entries(RATES).map(([name, { points, seconds, about }]) => [name, points, seconds, about]),
  );
});

it('RATE_LIMITS changes the rates that it names, or lifts all of them', () => {
  const { RATE_LIMITS } = readConfig({ RATE_LIMITS: 'claims=1/2, orders=34/56' });
  expect(RATE_LIMITS).toEqual({ ...RATES, claims: { points: 1, seconds: 2 }, orders: { points: 34, seconds: 56 } });
  expect(readConfig({}).RATE_LIMITS).toBeUndefined();
  expect(readConfig({ RATE_LIMITS: 'off' }).RATE_LIMITS).toBe('off');
});

it('a server that does not answer is named by its key, with an example', () => {
  const main = fileURLToPath(new URL('../dist/bundle/main.js', import.meta.url));
  const env = {
    PATH: process.env.PATH,
    PORT: '0',
    DATABASE_URL: 'postgres://u:p@127.0.0.1:1/x',
    REDIS_URL: 'redis://127.0.0.1:1',
  };
  const { status, stderr } = spawnSync(process.execPath, [main], { env, encoding: 'utf8', timeout: 20_000 });
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /DATABASE_URL leads to no server that answers: .*ECONNREFUSED.* \(example: DATABASE_URL=postgres:/,
  );
});

it('a process that is configured wrongly does not start: it prints each key and exits with 1', () => {
  const main = fileURLToPath(new URL('../dist/bundle/main.js', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [main], {
    env: { PATH: process.env.PATH, PORT: 'abc', CURRENCY: 'won' },
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toBe(`Onsale cannot start as configured:
PORT is "abc" but must be a whole number from 0 to 65535 (example: PORT=4000)
CURRENCY is "won" but must be an ISO 4217 code (example: CURRENCY=KRW)
`);
});
