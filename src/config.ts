import { isIP } from 'node:net';
import * as z from 'zod/mini';
import { isEmailAddress } from './platform/mail-address.ts';
import { hostOf } from './platform/public-address.ts';

/** One key of the environment: what it means, in which unit, and how its value is read. */
interface Key<Value, Fallback extends Value | undefined> {
  readonly about: string;
  readonly example: string;
  /** The value when the key is unset. */
  readonly fallback: Fallback;
  /** Reads the text of the environment. The message of an issue ends the sentence "KEY ...". */
  readonly read: z.ZodMiniType<Value, string>;
}

/** What zod found wrong. */
type Fault = { readonly input?: unknown };

type ValueOf<K> = K extends Key<infer Value, infer Fallback> ? Value | Extract<Fallback, undefined> : never;

/** Most of something in a span of time. */
export interface Rate {
  readonly points: number;
  readonly seconds: number;
}

/** The limits on rates, in the order of docs/configuration.md, with the most that RATE_LIMITS does not change. */
export const RATES = {
  signInsOfName: rate('sign-ins under one name that failed or are under way', 300, 3_600),
  signInsFromAddress: rate('sign-ins under one name from one address that failed or are under way', 20, 600),
  signUps: rate('sign-ups from one address', 300, 300),
  passwordChanges: rate('changePassword and deleteMyAccount of one user', 10, 600),
  dataExports: rate('exportMyData of one user', 10, 3_600),
  priorityCodes: rate('priority codes of one user that did not open the queue', 10, 600),
  places: rate('enterQueue and leaveQueue of one user', 120, 60),
  holds: rate('reserve, reserveBest and releaseReservation of one user', 60, 60),
  claims: rate('claimCoupon of one user', 60, 60),
  orders: rate('placeOrder and cancelOrder of one user', 30, 60),
  charges: rate('charges of one user through a payment provider', 30, 600),
  requestsOfUser: rate('root fields of one user, who is no operator, at one process', 600, 10),
  requestsFromAddress: rate(
    'root fields without a user, signIn aside, and unsigned webhooks from one address at one process',
    3_000,
    10,
  ),
};
export type RateName = keyof typeof RATES;
export type Rates = Readonly<Record<RateName, Rate>>;

/** @param about what is counted, and for whom, as a noun in the plural */
function rate(about: string, points: number, seconds: number): Rate & { readonly about: string } {
  return { about, points, seconds };
}

/** The process cannot start as configured; the message has one line for each key at fault. */
export class ConfigError extends Error {}

/** Every key that Onsale reads, in the order of docs/configuration.md. */
export const KEYS = {
  PORT: key('TCP port to serve on; 0: any free one', '4000', 4000, whole(0, 65_535)),
  HOST: key('Address to listen on', '127.0.0.1', '127.0.0.1', hostName()),
  DATA_DIR: key('Folder of the embedded servers and of generated secrets', '.data', '.data', text(1, 4_096)),
  DATABASE_URL: key(
    'PostgreSQL to use; unset: an embedded one',
    'postgres://user:secret@db:5432/onsale',
    undefined,
    url('postgres:', 'postgresql:'),
  ),
  REDIS_URL: key('Redis to use; unset: a private one', 'redis://cache:6379', undefined, url('redis:', 'rediss:')),
  OPERATOR_NAME: key('Name of the operator account made or kept at start', 'operator', undefined, text(3, 40)),
  OPERATOR_PASSWORD: key(
    'Its password; unset: generated once, printed and kept in DATA_DIR',
    'a-long-passphrase',
    undefined,
    text(8, 200),
  ),
  AUTH_SECRET: key(
    'Secret that signs access tokens, 32 random characters for full strength; unset: made once and kept in PostgreSQL',
    'thirty-two-random-characters-or-more',
    undefined,
    text(16, 1_000),
  ),
  AUTH_JWKS_URL: key(
    'JWK set of an identity provider whose tokens are accepted instead of our own',
    'https://id.example.com/.well-known/jwks.json',
    undefined,
    url('https:', 'http:'),
  ),
  AUTH_ISSUER: key(
    '`iss` that a token must carry; unset: onsale, or with AUTH_JWKS_URL any',
    'https://id.example.com/',
    undefined,
    text(1, 500),
  ),
  AUTH_AUDIENCE: key(
    '`aud` that a token must carry; unset: onsale, or with AUTH_JWKS_URL any',
    'onsale',
    undefined,
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
    'refuse',
    oneOf('refuse', 'accept'),
  ),
  ON_PAYMENT_FAILURE: key(
    'What a payment refused for want of money does to the hold or order: keep it until it lapses, or release it',
    'keep',
    'keep',
    oneOf('keep', 'release'),
  ),
  CANCEL_HOURS: key('How long the buyer may cancel the payment of an order, in hours', '24', 24, whole(0, 8_760)),
  ORDER_MINUTES: key('How long an order may stand unpaid, in minutes', '15', 15, whole(1, 10_080)),
  UNPAID_ORDERS_PER_USER: key('Most unpaid orders of one user', '3', 3, whole(1, 1_000_000)),
  UNPAID_PIECES_PER_USER: key('Most pieces in the unpaid orders of one user', '200', 200, whole(1, 1_000_000_000)),
  COUPON_GUARD: key(
    'What keeps two processes from giving out one coupon at once: a version, a row lock, or a lock in Redis',
    'pessimistic',
    'pessimistic',
    // `script`, a guard that earlier versions had, is read as pessimistic.
    oneOf('optimistic', 'pessimistic', 'redis-lock', 'script'),
  ),
  BALANCE_LIMIT: key(
    'Largest balance of a wallet, in minor units of CURRENCY',
    '1000000000',
    1_000_000_000,
    whole(1, 1_000_000_000_000),
  ),
  CHARGES: key(
    'Who charges wallets: open, operator or provider (operate/charges.md); unset: open, in production operator',
    'operator',
    undefined,
    oneOf('open', 'operator', 'provider'),
  ),
  CHARGE_WEBHOOK_SECRET: key(
    "Secrets of the payment provider's webhooks, separated by commas; CHARGES=provider needs one; unset: none are taken",
    'whsec_b25lIHNlY3JldCBvZiB0aGUgcHJvdmlkZXI=',
    undefined,
    webhookSecrets(),
  ),
  WALLET_EXPIRY_DAYS: key(
    'Days without movement after which the money in a wallet lapses; unset: never',
    '1825',
    undefined,
    whole(1, 36_500),
  ),
  WALLET_GUARD: key(
    'What keeps two processes from changing one wallet at once: a version, a row lock, or a lock in Redis',
    'optimistic',
    'optimistic',
    oneOf('optimistic', 'pessimistic', 'redis-lock'),
  ),
  EVENTS_STREAM_MAX: key(
    'Entries that the stream of events in Redis keeps, about',
    '100000',
    100_000,
    whole(1_000, 10_000_000),
  ),
  ALERT_HOSTS: key(
    'Hosts, separated by commas, that alerts and events may be sent to though they are private or this machine; unset: none',
    'hooks.internal,10.0.0.7',
    undefined,
    hosts(),
  ),
  SMTP_URL: key(
    'Mail server that alerts to EMAIL channels are sent over; unset: there are no such channels',
    'smtps://user:secret@mail.example.com',
    undefined,
    url('smtp:', 'smtps:'),
  ),
  SMTP_FROM: key(
    'Address that e-mails come from; unset: onsale at the host of SMTP_URL',
    'tickets@example.com',
    undefined,
    emailAddress(),
  ),
  AUDIT_MINUTES: key('How often the audit runs by itself, in minutes; 0: never', '60', 60, whole(0, 10_080)),
  QUEUE_STUCK_SECONDS: key(
    'Seconds without an admission, though people wait and capacity is free, after which operators are alerted',
    '60',
    60,
    whole(1, 86_400),
  ),
  AWAY_SECONDS: key(
    'Seconds that PostgreSQL or Redis may be away before operators are alerted',
    '5',
    5,
    whole(1, 3_600),
  ),
  JOB_LATE_SECONDS: key(
    'Seconds beyond its interval that a run of a job may take before operators are alerted',
    '60',
    60,
    whole(1, 86_400),
  ),
  DISK_FREE_PERCENT: key(
    'Free part of the disk of DATA_DIR, in percent, below which operators are alerted; 0: never',
    '5',
    5,
    whole(0, 100),
  ),
  TIME_ZONE: key('IANA time zone that calendar dates are reckoned in', 'Asia/Seoul', 'Asia/Seoul', timeZone()),
  CURRENCY: key('ISO 4217 code of the currency of every amount', 'KRW', 'KRW', currency()),
  DEMO_DATA: key(
    'Whether a new database gets demo concerts and products at start; unset: on, but off in production',
    'on',
    undefined,
    oneOf('on', 'off'),
  ),
  EXPLORER: key(
    'Whether browsers get the explorer at /graphql, and the schema can be asked for; unset: on, but off in production',
    'on',
    undefined,
    oneOf('on', 'off'),
  ),
  CORS_ORIGINS: key(
    'Origins, separated by commas, whose pages may call this server; unset: pages it serves itself and loopback',
    'https://tickets.example.com',
    undefined,
    origins(),
  ),
  TRUSTED_DOCUMENTS: key(
    'File with the documents that are served (operate/documents.md), operators may send others too; unset: everybody may',
    'trusted-documents.json',
    undefined,
    text(1, 4_096),
  ),
  HASH_MEMORY_KIB: key('Memory that hashing a password takes, in KiB', '19456', 19_456, whole(8, 1_048_576)),
  HASH_PASSES: key('Passes over that memory', '2', 2, whole(1, 100)),
  HASHES_AT_ONCE: key(
    'Most passwords that one process hashes at once; unset: one processor less than there are, at most 3',
    '1',
    undefined,
    whole(1, 64),
  ),
  RATE_LIMITS: key(
    'off, or rates that differ from the table below, separated by commas, as rate=most/seconds; unset: that table',
    'claims=10/60,orders=5/60',
    undefined,
    rates(),
  ),
  TRUSTED_PROXIES: key(
    'Addresses and networks, separated by commas, whose X-Forwarded-For names the client; unset: nobody is believed',
    '10.0.0.0/8,203.0.113.7',
    undefined,
    networks(),
  ),
  WS_MAX_BUFFERED_BYTES: key(
    'Bytes that may wait for one slow reader of a WebSocket or a stream before it is cut off',
    '1048576',
    1_048_576,
    whole(65_536, 1_073_741_824),
  ),
  SOCKETS_PER_USER: key('Most WebSockets of one user at one process', '100', 100, whole(1, 100_000)),
  ANONYMOUS_SOCKETS: key(
    'Most WebSockets and streams of one process on which nobody is signed in yet; of more, the oldest is closed',
    '5000',
    5_000,
    whole(1, 1_000_000),
  ),
  ANONYMOUS_SOCKETS_PER_ADDRESS: key('The same for one address', '1000', 1_000, whole(1, 1_000_000)),
  CONNECTIONS: key(
    'Most connections of clients to one process; unset: as many as the files that it may open, less 128',
    '20000',
    undefined,
    whole(16, 1_000_000),
  ),
  BUSY_MS: key(
    'Milliseconds that the event loop, or a connection of the pool, is late when a process is busy; 0: it never is',
    '100',
    100,
    whole(0, 10_000),
  ),
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
  NODE_ENV: key('production: no explorer, no introspection, no demo data', 'production', 'development', text(1, 40)),
};

export type Config = { readonly [K in keyof typeof KEYS]: ValueOf<(typeof KEYS)[K]> };

/**
 * Reads and checks `env` once. An empty value counts as unset.
 * @throws ConfigError naming every key at fault, what is wrong with its value, and an example
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, { read, fallback, example }] of Object.entries<Key<unknown, unknown>>(KEYS)) {
    const given = env[name];
    if (given === undefined || given === '') {
      values[name] = fallback;
      continue;
    }
    const { data, error } = read.safeParse(given);
    if (error) faults.push(`${name} ${error.issues[0]?.message} (example: ${name}=${example})`);
    values[name] = data;
  }
  const config = values as Config;
  if (config.CHARGES === 'provider' && !config.CHARGE_WEBHOOK_SECRET)
    faults.push(
      `CHARGES is provider, which needs CHARGE_WEBHOOK_SECRET (example: CHARGE_WEBHOOK_SECRET=${KEYS.CHARGE_WEBHOOK_SECRET.example})`,
    );
  if (faults.length > 0) throw new ConfigError(faults.join('\n'));
  return config;
}

/** Who charges wallets: CHARGES, or what is meant where it is unset. */
export function chargesOf({ CHARGES, NODE_ENV }: Config): NonNullable<Config['CHARGES']> {
  return CHARGES ?? (NODE_ENV === 'production' ? 'operator' : 'open');
}

/** Whether browsers get the explorer: EXPLORER, or what is meant where it is unset. */
export function hasExplorer({ EXPLORER, NODE_ENV }: Config): boolean {
  return EXPLORER === undefined ? NODE_ENV !== 'production' : EXPLORER === 'on';
}

/** Whether documents that ask for the schema are refused: in production, unless the explorer needs it. */
export function hidesSchema(config: Config): boolean {
  return config.NODE_ENV === 'production' && !hasExplorer(config);
}

function key<Value, Fallback extends Value | undefined>(
  about: string,
  example: string,
  fallback: Fallback,
  read: z.ZodMiniType<Value, string>,
): Key<Value, Fallback> {
  return { about, example, fallback, read };
}

/** A whole number in digits between the bounds. */
function whole(least: number, most: number) {
  const error = isBut(`a whole number from ${least} to ${most}`);
  // The bounds are checked on the text, which the message repeats as it was given.
  const digits = z.string().check(
    z.regex(/^\d+$/, { error }),
    z.refine((given) => Number(given) >= least && Number(given) <= most, { error }),
  );
  return z.pipe(digits, z.transform(Number));
}

/** Text of so many characters. The message does not repeat it: it may be a secret. */
function text(least: number, most: number) {
  const error = ({ input }: Fault) => `has ${[...String(input)].length} characters but must have ${least} to ${most}`;
  return z.string().check(z.minLength(least, { error }), z.maxLength(most, { error }));
}

/** One of the words. */
function oneOf<const Word extends string>(...words: Word[]) {
  return z.enum(words, { error: isBut(`one of ${words.join(', ')}`) });
}

/** A URL of one of the protocols, such as 'https:'. The message does not repeat it: it may have a password in it. */
function url(...protocols: string[]) {
  const starts = protocols.map((protocol) => `${protocol}//`).join(' or ');
  // z.url also takes spaces and line breaks around the URL, and removes them.
  const isRight = (given: string) => {
    const parsed = URL.parse(given);
    return parsed !== null && protocols.includes(parsed.protocol) && parsed.hostname !== '';
  };
  return z.string().check(z.refine(isRight, `must be a URL that starts with ${starts} and names a host`));
}

/** Secrets of Standard Webhooks separated by commas. The message does not repeat them. */
function webhookSecrets() {
  const [least, most] = [24, 64];
  const error = `has a part that is not whsec_ and the Base64 of ${least} to ${most} bytes`;
  const isRight = (given: string) => {
    const bytes = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(given)?.[1];
    const { length } = Buffer.from(bytes ?? '', 'base64');
    return length >= least && length <= most && Buffer.from(bytes ?? '', 'base64').toString('base64') === bytes;
  };
  return listOf(z.string().check(z.refine(isRight, { error })));
}

/** An IP address or a host name. */
function hostName() {
  const isRight = (given: string) => isIP(given) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(given);
  return z.string().check(z.refine(isRight, { error: isBut('an address or a host name') }));
}

/** IP addresses or host names separated by commas, each in the one spelling that `hostOf` gives. */
function hosts() {
  const urlOf = (host: string) => `https://${isIP(host) === 6 ? `[${host}]` : host}`;
  const isRight = (host: string) => URL.canParse(urlOf(host));
  const host = hostName().check(z.refine(isRight, { error: hasNo('address and no host name') }));
  return listOf(
    z.pipe(
      host,
      z.transform((given) => hostOf(new URL(urlOf(given)))),
    ),
  );
}

/** The word off, or what differs from RATES. @returns all rates */
function rates() {
  const form = /^(\w+)=([1-9]\d{0,8})\/([1-9]\d{0,6})$/;
  const isRight = (given: string) => Object.hasOwn(RATES, form.exec(given)?.[1] ?? '');
  const error = hasNo(`rate=most/seconds of ${Object.keys(RATES).join(', ')}`);
  const differing = z.pipe(
    listOf(z.string().check(z.refine(isRight, { error }))),
    z.transform((given): Rates => {
      const changes = given.map((each) => {
        const [, name = '', points, seconds] = form.exec(each) ?? [];
        return [name, { points: Number(points), seconds: Number(seconds) }];
      });
      return { ...RATES, ...Object.fromEntries(changes) };
    }),
  );
  return z.transform((given: string, { issues }): Rates | 'off' => {
    if (given === 'off') return given;
    const { data, error: fault } = differing.safeParse(given);
    if (data) return data;
    issues.push({ code: 'custom', input: given, message: fault?.issues[0]?.message ?? '' });
    return z.NEVER;
  });
}

/** IP addresses and networks separated by commas. */
function networks() {
  const isRight = (given: string) => {
    const [address = '', bits, ...more] = given.split('/');
    const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
    return more.length === 0 && most > 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most));
  };
  return listOf(z.string().check(z.refine(isRight, { error: isBut('an address, or a network such as 10.0.0.0/8') })));
}

/** The address of a mailbox, without a name. */
function emailAddress() {
  return z.string().check(z.refine(isEmailAddress, { error: isBut('an address such as tickets@example.com') }));
}

/** Origins separated by commas. */
function origins() {
  const isRight = (given: string) => URL.parse(given)?.origin === given;
  return listOf(z.string().check(z.refine(isRight, { error: hasNo('origin such as https://tickets.example.com') })));
}

/** Parts separated by commas, with or without spaces. */
function listOf<Value>(part: z.ZodMiniType<Value, string>) {
  return z.pipe(
    z.transform((given: string) => given.split(',').map((each) => each.trim())),
    z.array(part),
  );
}

/** An IANA time zone, in its one spelling. */
function timeZone() {
  return z.transform((given: string, { issues }) => {
    try {
      return new Intl.DateTimeFormat('en', { timeZone: given }).resolvedOptions().timeZone;
    } catch {
      issues.push({ code: 'custom', input: given, message: isBut('an IANA time zone')({ input: given }) });
      return z.NEVER;
    }
  });
}

/** An ISO 4217 code. */
function currency() {
  return z.enum(Intl.supportedValuesOf('currency'), { error: isBut('an ISO 4217 code') });
}

function isBut(wanted: string) {
  return ({ input }: Fault) => `is ${quoted(input)} but must be ${wanted}`;
}

function hasNo(wanted: string) {
  return ({ input }: Fault) => `has ${quoted(input)}, which is no ${wanted}`;
}

function quoted(input: unknown): string {
  const given = String(input);
  return JSON.stringify(given.length > 60 ? `${given.slice(0, 60)}...` : given);
}
