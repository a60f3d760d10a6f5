import { basename, dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { filesBelow, importsOf, read } from './support/sources.ts';

/** Where programs begin. */
const ENTRIES = [
  'src/main.ts',
  'src/cli/emit-schema.ts',
  'src/cli/emit-tables.ts',
  'src/cli/list-documents.ts',
  'src/cli/run-audit.ts',
];

/** Which domains a domain may call; nothing calls upwards or in a circle. */
const MAY_CALL: Record<string, readonly string[]> = {
  accounts: ['wallet'],
  queue: ['alerts'],
  concerts: ['queue'],
  reservations: ['concerts', 'queue'],
  wallet: [],
  charges: ['wallet', 'accounts', 'alerts'],
  coupons: [],
  shop: ['coupons'],
  payments: ['wallet', 'reservations', 'shop', 'concerts', 'queue', 'accounts'],
  sales: ['payments', 'concerts'],
  events: ['concerts', 'alerts'],
  alerts: [],
  audit: ['alerts'],
  'operator-log': [],
  tickets: ['concerts', 'accounts'],
};
/** The graph of the schema has circles: a resolver may answer a field with what another domain owns. */
const RESOLVERS_MAY_CALL: Record<string, readonly string[]> = {
  accounts: ['queue', 'reservations', 'payments', 'shop'],
  coupons: ['accounts'],
  reservations: ['payments', 'tickets'],
  wallet: ['payments'],
  shop: ['accounts', 'payments'],
  concerts: ['accounts'],
};
/** Calls upwards that are known, each with its reason. */
const UPWARD_CALLS: Record<string, string> = {
  'src/queue/leave-queue.ts -> src/reservations/release-reservation.ts':
    'leaving gives up what is held under the token',
  'src/queue/revoke-token.ts -> src/reservations/release-reservation.ts':
    'revoking takes away what is held under the token',
  'src/accounts/delete-my-account.ts -> src/queue/leave-queue.ts': 'a deleted user waits for nothing',
  'src/accounts/delete-my-account.ts -> src/queue/read-live-tokens.ts': 'the places that are left',
  'src/concerts/withdraw-concert.ts -> src/reservations/end-holds.ts': 'withdrawing a concert ends what is held of it',
};
/** Reads of the environment besides the configuration, each with its reason. */
const ENVIRONMENT_READERS: Record<string, string> = {
  'src/main.ts': 'hands it to src/config.ts',
  'embedded/postgres.ts': 'hands PATH on to the program it runs',
  'embedded/server.ts': 'hands PATH on to the program it runs',
  'src/cli/run-audit.ts': 'hands it to src/config.ts',
};

const sources = [...filesBelow('src', '.ts'), ...filesBelow('embedded', '.ts')];
const typescript = [...sources, ...['migrations', 'test', 'bench'].flatMap((folder) => filesBelow(folder, '.ts'))];
const calls = sources.flatMap(importsOf);
/** Files that run commands. */
const verbs = new Set(calls.filter(({ to }) => to === 'src/commands/runner.ts').map(({ from }) => from));
/** Rooms that every domain stands in: they are no domains themselves. */
const FRAME = ['api', 'commands', 'cli'];
/** The domain or `platform` that a file belongs to; undefined for files of the frame. */
const roomOf = (path: string): string | undefined => {
  const room = /^src\/([^/]+)\//.exec(path)?.[1];
  return room !== undefined && FRAME.includes(room) ? undefined : room;
};

it('the platform knows no domain: it imports itself and the type of the configuration', () => {
  const foreign = calls.filter(
    ({ from, to }) => roomOf(from) === 'platform' && roomOf(to) !== 'platform' && to !== 'src/config.ts',
  );
  expect(foreign).toEqual([]);
});

it('the embedded servers know nothing of the product: they import themselves, and only the frame opens them', () => {
  const isEmbedded = (path: string): boolean => path.startsWith('embedded/');
  expect(calls.filter(({ from, to }) => isEmbedded(from) && !isEmbedded(to))).toEqual([]);
  expect(calls.filter(({ from, to }) => isEmbedded(to) && !isEmbedded(from) && roomOf(from) !== undefined)).toEqual([]);
  expect(filesBelow('embedded', '.ts').filter((path) => /onsale/i.test(read(path)))).toEqual([]);
});

it('a domain calls only the domains below it; only its resolver answers fields from others', () => {
  const isAllowed = ({ from, to }: { from: string; to: string }): boolean => {
    const [caller, called] = [roomOf(from), roomOf(to)];
    if (caller === undefined || called === undefined || caller === called || called === 'platform') return true;
    if (MAY_CALL[caller]?.includes(called) || `${from} -> ${to}` in UPWARD_CALLS) return true;
    return from.endsWith('.resolver.ts') && (RESOLVERS_MAY_CALL[caller]?.includes(called) ?? false);
  };
  expect(calls.filter((call) => !isAllowed(call))).toEqual([]);
  const rooms = new Set(sources.map(roomOf).filter((room) => room !== undefined && room !== 'platform'));
  expect([...rooms].sort(), 'every domain is listed').toEqual(Object.keys(MAY_CALL).sort());
  const known = calls.map(({ from, to }) => `${from} -> ${to}`);
  expect(
    Object.keys(UPWARD_CALLS).filter((call) => !known.includes(call)),
    'exceptions that are gone',
  ).toEqual([]);
});

const isEntity = (path: string): boolean => /^@Entity\(/m.test(read(path));
const isOfRunner = (path: string): boolean => path.startsWith('src/commands/');

it('no domain imports a file that puts the domains together, but for the runner', () => {
  const frame = new Set(
    calls
      .filter(({ from, to }) => !roomOf(from) && !isOfRunner(from) && roomOf(to) !== 'platform' && roomOf(to))
      .map(({ from }) => from),
  );
  expect(calls.filter(({ from, to }) => roomOf(from) && frame.has(to))).toEqual([]);
});

it('the runner knows entities and what they are told with, no verb; entities know the types of events, and neither runner nor verbs', () => {
  const told = ['src/concerts/seat-change.ts'];
  const foreign = calls.filter(({ from, to }) => isOfRunner(from) && roomOf(to) && roomOf(to) !== 'platform');
  expect(foreign.filter(({ to }) => !isEntity(to) && !told.includes(to))).toEqual([]);
  const isWord = ({ to, isType }: (typeof calls)[number]): boolean => isType && to === 'src/commands/event-types.ts';
  const upward = calls.filter(({ from, to }) => isEntity(from) && (isOfRunner(to) || verbs.has(to)));
  expect(upward.filter((call) => !isWord(call))).toEqual([]);
});

it('no file imports itself over others, types aside', () => {
  const circles: string[] = [];
  const done = new Set<string>();
  const walk = (path: string, above: readonly string[]): void => {
    if (above.includes(path)) circles.push([...above.slice(above.indexOf(path)), path].join(' -> '));
    if (done.has(path)) return;
    done.add(path);
    for (const { from, to, isType } of calls) if (from === path && !isType) walk(to, [...above, path]);
  };
  for (const entry of ENTRIES) walk(entry, []);
  expect(circles).toEqual([]);
});

it('only the configuration knows the environment, which main hands to it', () => {
  const readers = sources.filter((path) => read(path).includes('process.env'));
  expect([...readers].sort()).toEqual(Object.keys(ENVIRONMENT_READERS).sort());
});

it('the wallet alone makes entries and moves balances', () => {
  const writes =
    /insert into (entry|wallet \(user_id, balance)|update (wallet|entry) |native(Update|Insert)\((Wallet|LedgerEntry)/i;
  expect(sources.filter((path) => writes.test(read(path)))).toEqual([]);
  const moves = /new LedgerEntry\(|\.balance [+-]?= /;
  expect(sources.filter((path) => moves.test(read(path)))).toEqual(['src/wallet/wallet.ts']);
});

it('there are no barrels', () => {
  const forwards = (path: string): boolean => /^export (type )?(\*|\{[^}]*\}).* from /m.test(read(path));
  expect(typescript.filter((path) => basename(path) === 'index.ts' || forwards(path))).toEqual([]);
});

it('no folder is named after nothing', () => {
  const nothing = /(^|\/)(utils?|common|helpers?|types|shared|misc|lib)\//;
  expect([...typescript, ...filesBelow('scripts', '.mjs')].filter((path) => nothing.test(path))).toEqual([]);
});

it('every source is reachable from an entry point', () => {
  const reached = new Set<string>();
  const reach = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const { from, to } of calls) if (from === path) reach(to);
  };
  for (const entry of ENTRIES) reach(entry);
  expect(sources.filter((path) => !reached.has(path))).toEqual([]);
});

it('every Lua script is loaded or included', () => {
  const used = new Set<string>();
  for (const path of [...sources, ...filesBelow('src', '.lua')]) {
    const names = read(path).matchAll(/loadScript\(import\.meta\.url, '([^']+)'\)|^-- include: (\S+)$/gm);
    for (const [, loaded, included] of names) used.add(join(dirname(path), `${loaded ?? included}.lua`));
  }
  expect(filesBelow('src', '.lua')).toEqual([...used].sort());
});

it('every migration is listed, in the order of its number', () => {
  const files = filesBelow('migrations', '.ts').map((path) => basename(path, '.ts'));
  const listed = [...read('migrations/list.ts').matchAll(/name: '([^']+)'/g)].map(([, name]) => name);
  expect(listed).toEqual(files.filter((name) => name !== 'list'));
  expect(listed.map((name) => Number(name?.slice(0, 4)))).toEqual(listed.map((_name, index) => index + 1));
});

it('nothing is left for later, printed for debugging, or left out of the tests', () => {
  const marks = new RegExp(
    ['TO' + 'DO', 'FIX' + 'ME', 'console\\.' + 'log', '\\b(it|test|describe)\\.(only|skip|todo)\\b'].join('|'),
  );
  const files = [...typescript, ...filesBelow('src', '.lua'), ...filesBelow('scripts', '.mjs')];
  expect(files.filter((path) => marks.test(read(path)))).toEqual([]);
});

it('the pages know nothing but the schema: they import themselves, packages, and what is emitted into schema/', () => {
  const files = filesBelow('web', '.ts', '.tsx', '.mjs').filter((path) => !/^web\/(node_modules|gql)\//.test(path));
  const foreign = files.flatMap((from) =>
    [...read(from).matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)]
      .map(([, to]) => join(dirname(from), to as string))
      .filter((to) => !/^(web|schema)\//.test(to))
      .map((to) => `${from} -> ${to}`),
  );
  expect(foreign).toEqual([]);
});
