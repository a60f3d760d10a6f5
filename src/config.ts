import { currency, hostName, hosts, oneOf, origins, text, timeZone, url, whole } from './config-values.ts';

/** One key of the environment: what it means, in which unit, and how its value is read. */
interface Key<T> {
  readonly about: string;
  readonly example: string;
  readonly fallback: T;
  /** @throws Error whose message ends the sentence "KEY ..." */
  readonly read: (text: string) => T;
}

type Values<Keys> = { [K in keyof Keys]: Keys[K] extends Key<infer T> ? T : never };

/** The process cannot start as configured; the message has one line for each key at fault. */
export class ConfigError extends Error {}

const optional = undefined as string | undefined;

/** Every key that Onsale reads, in the order of docs/configuration.md. */
export const KEYS = {
  PORT: key('TCP port to serve on; 0: any free one', '4000', 4000, whole(0, 65_535)),
  HOST: key('Address to listen on', '127.0.0.1', '127.0.0.1', hostName),
  DATA_DIR: key('Folder of the embedded servers and of generated secrets', '.data', '.data', text(1, 4_096)),
  DATABASE_URL: key(
    'PostgreSQL to use; unset: an embedded one',
    'postgres://user:secret@db:5432/onsale',
    optional,
    url('postgres:', 'postgresql:'),
  ),
  REDIS_URL: key('Redis to use; unset: a private one', 'redis://cache:6379', optional, url('redis:', 'rediss:')),
  OPERATOR_NAME: key('Name of the operator account made or kept at start', 'operator', optional, text(3, 40)),
  OPERATOR_PASSWORD: key(
    'Its password; unset: generated once, printed and kept in DATA_DIR',
    'a-long-passphrase',
    optional,
    text(8, 200),
  ),
  AUTH_SECRET: key(
    'Secret that signs access tokens, 32 random characters for full strength; unset: made once and kept in PostgreSQL',
    'thirty-two-random-characters-or-more',
    optional,
    text(16, 1_000),
  ),
  AUTH_JWKS_URL: key(
    'JWK set of an identity provider whose tokens are accepted instead of our own',
    'https://id.example.com/.well-known/jwks.json',
    optional,
    url('https:', 'http:'),
  ),
  AUTH_ISSUER: key(
    '`iss` that a token must carry; unset: onsale, or with AUTH_JWKS_URL any',
    'https://id.example.com/',
    optional,
    text(1, 500),
  ),
  AUTH_AUDIENCE: key(
    '`aud` that a token must carry; unset: onsale, or with AUTH_JWKS_URL any',
    'onsale',
    optional,
    text(1, 500),
  ),
  AUTH_ROLE_CLAIM: key(
    'Claim with the role (or a list that contains it) in tokens of AUTH_JWKS_URL',
    'role',
    'role',
    text(1, 200),
  ),
  HOLD_SECONDS: key('How long seats are held for a buyer, in seconds', '300', 300, whole(1, 86_400)),
  SEATS_PER_USER: key('Most seats of one show that one user holds and has bought together', '8', 8, whole(1, 1_000)),
  LATE_PAYMENT: key(
    'Payment for a hold that lapsed: refuse, or accept while the seats are free',
    'refuse',
    'refuse' as 'refuse' | 'accept',
    oneOf('refuse', 'accept'),
  ),
  ON_PAYMENT_FAILURE: key(
    'What a payment refused for want of money does to the hold or order: keep it until it lapses, or release it',
    'keep',
    'keep' as 'keep' | 'release',
    oneOf('keep', 'release'),
  ),
  CANCEL_HOURS: key('How long the buyer may cancel the payment of an order, in hours', '24', 24, whole(0, 8_760)),
  ORDER_MINUTES: key('How long an order may stand unpaid, in minutes', '15', 15, whole(1, 10_080)),
  COUPON_GUARD: key(
    'What keeps two processes from giving out one coupon at once: a version, a row lock, or a lock in Redis',
    'pessimistic',
    'pessimistic' as 'optimistic' | 'pessimistic' | 'redis-lock' | 'script',
    // `script`, a guard that earlier versions had, is read as pessimistic.
    oneOf('optimistic', 'pessimistic', 'redis-lock', 'script'),
  ),
  BALANCE_LIMIT: key(
    'Largest balance of a wallet, in minor units of CURRENCY',
    '1000000000',
    1_000_000_000,
    whole(1, 1_000_000_000_000),
  ),
  WALLET_EXPIRY_DAYS: key(
    'Days without movement after which the money in a wallet lapses; unset: never',
    '1825',
    undefined as number | undefined,
    whole(1, 36_500),
  ),
  WALLET_GUARD: key(
    'What keeps two processes from changing one wallet at once: a version, a row lock, or a lock in Redis',
    'optimistic',
    'optimistic' as 'optimistic' | 'pessimistic' | 'redis-lock',
    oneOf('optimistic', 'pessimistic', 'redis-lock'),
  ),
  ALERT_HOSTS: key(
    'Hosts, separated by commas, that alerts may be sent to though they are private or this machine; unset: none',
    'hooks.internal,10.0.0.7',
    undefined as string[] | undefined,
    hosts,
  ),
  TIME_ZONE: key('IANA time zone that calendar dates are reckoned in', 'Asia/Seoul', 'Asia/Seoul', timeZone),
  CURRENCY: key('ISO 4217 code of the currency of every amount', 'KRW', 'KRW', currency),
  DEMO_DATA: key(
    'Whether a new database gets demo concerts and products at start; unset: on, but off in production',
    'on',
    undefined as 'on' | 'off' | undefined,
    oneOf('on', 'off'),
  ),
  CORS_ORIGINS: key(
    'Origins, separated by commas, whose pages may call this server; unset: pages it serves itself and loopback',
    'https://tickets.example.com',
    undefined as string[] | undefined,
    origins,
  ),
  WS_MAX_BUFFERED_BYTES: key(
    'Bytes that may wait for one slow reader of a WebSocket or a stream before it is cut off',
    '1048576',
    1_048_576,
    whole(65_536, 1_073_741_824),
  ),
  SOCKETS_PER_USER: key('Most WebSockets of one user at one process', '100', 100, whole(1, 100_000)),
  SUBSCRIPTIONS_PER_USER: key(
    'Most subscriptions of one user at one process, over WebSockets and streams together',
    '200',
    200,
    whole(1, 100_000),
  ),
  LOG_LEVEL: key(
    'Least severe log lines that are written',
    'info',
    'info',
    oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
  ),
  SLOW_MS: key(
    'Milliseconds from which an operation is slow: its line in the log has the time of each root field and statement',
    '1000',
    1_000,
    whole(1, 600_000),
  ),
  NODE_ENV: key('production: no introspection, no demo data', 'production', 'development', text(1, 40)),
};

export type Config = Readonly<Values<typeof KEYS>>;

/**
 * Reads and checks `env` once. An empty value counts as unset.
 * @throws ConfigError naming every key at fault, what is wrong with its value, and an example
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, { read, fallback, example }] of Object.entries(KEYS) as [string, Key<unknown>][]) {
    const given = env[name];
    try {
      values[name] = given === undefined || given === '' ? fallback : read(given);
    } catch (error) {
      faults.push(`${name} ${(error as Error).message} (example: ${name}=${example})`);
    }
  }
  if (faults.length > 0) throw new ConfigError(faults.join('\n'));
  return values as Config;
}

function key<T>(about: string, example: string, fallback: T, read: (text: string) => T): Key<T> {
  return { about, example, fallback, read };
}
