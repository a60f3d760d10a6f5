import { openEmbedded } from '../embedded/open.ts';
import { MIGRATIONS } from '../migrations/list.ts';
import { openEndings, readEndings } from './accounts/endings.ts';
import { forgetSessions } from './accounts/forget-sessions.job.ts';
import { keepOperator, type Operator } from './accounts/keep-operator.ts';
import { forgetAlerts } from './alerts/forget-alerts.job.ts';
import { keepChannels, openAlerts, raiseWaiting, settleAlerts } from './alerts/raise-alert.ts';
import { raiseFault } from './alerts/raise-fault.ts';
import { sendAlerts } from './alerts/send-alerts.job.ts';
import { watchDisk } from './alerts/watch-disk.job.ts';
import { watchJobs } from './alerts/watch-jobs.ts';
import { watchServers } from './alerts/watch-servers.job.ts';
import { Documents } from './api/documents.ts';
import { EXPLORER_FOLDER, serveExplorer } from './api/explorer.ts';
import { GRAPHQL_PATH, serveGraphql } from './api/http.ts';
import { PAGES_FOLDER, servePages } from './api/pages.ts';
import { makeSchema } from './api/schema.ts';
import { keepReserve } from './api/shed-load.ts';
import { serveStreams } from './api/sse.ts';
import { readAllTrusted, type TrustedDocuments } from './api/trusted-documents.ts';
import { serveSockets } from './api/websocket.ts';
import { auditByItself } from './audit/audit-by-itself.job.ts';
import { expireCharges } from './charges/expire-charges.job.ts';
import { serveChargeWebhook } from './charges/serve-charge-webhook.ts';
import { type Demo, seedDemo } from './cli/demo.ts';
import { judgeSoldOut } from './concerts/judge-sold-out.job.ts';
import { type Config, ConfigError, chargesOf, hasExplorer, hidesSchema } from './config.ts';
import { ENTITIES } from './entities.ts';
import { deliverWebhooks } from './events/deliver-webhooks.job.ts';
import { forgetEvents } from './events/forget-events.job.ts';
import { relayEvents } from './events/relay-events.job.ts';
import { finishTokens } from './payments/finish-tokens.job.ts';
import { refundShows } from './payments/refund-shows.job.ts';
import { isUnavailable } from './platform/faults.ts';
import { forgetKeys } from './platform/forget-keys.job.ts';
import { closeHttp, openHttp } from './platform/http.ts';
import { startJobs } from './platform/jobs.ts';
import type { Log } from './platform/log.ts';
import type { Platform } from './platform/platform.ts';
import { migrate, openPostgres, pingPostgres } from './platform/postgres.ts';
import { openMessages } from './platform/pubsub.ts';
import { checkServer, openRedis } from './platform/redis.ts';
import { SECOND } from './platform/units.ts';
import { withTimeout } from './platform/with-timeout.ts';
import { keepHistory } from './queue/keep-history.job.ts';
import { queueOpening, queueSettings, queueTick } from './queue/queue-tick.job.ts';
import { watchStuck } from './queue/watch-stuck.job.ts';
import { lapseHolds } from './reservations/lapse.job.ts';
import { foldShows } from './sales/fold-shows.job.ts';
import { forgetExports } from './sales/forget-exports.job.ts';
import { serveExports } from './sales/serve-exports.ts';
import { foldSales } from './shop/fold-sales.job.ts';
import { lapseOrders } from './shop/lapse-orders.job.ts';
import { expireWallets } from './wallet/expire-wallets.job.ts';

const JOBS = [
  readEndings,
  queueTick,
  queueSettings,
  queueOpening,
  keepHistory,
  lapseHolds,
  lapseOrders,
  foldSales,
  foldShows,
  finishTokens,
  refundShows,
  expireWallets,
  expireCharges,
  sendAlerts,
  keepChannels,
  raiseWaiting,
  watchServers,
  watchStuck,
  watchDisk,
  auditByItself,
  forgetKeys,
  forgetSessions,
  forgetAlerts,
  judgeSoldOut,
  relayEvents,
  deliverWebhooks,
  forgetEvents,
  forgetExports,
];

/**
 * Each step of closing takes at most this long: one that hangs must not keep the next from being taken. The first, in
 * which requests are still answered, bounds itself below that.
 */
const CLOSE_STEP_MS = 12 * SECOND;

/** A process that serves. */
export interface App {
  /** Where GraphQL is served, over HTTP and WebSocket. */
  readonly url: string;
  /** Where the pages are served. */
  readonly pagesUrl: string;
  /** Where browsers get the explorer; undefined where there is none. */
  readonly explorerUrl: string | undefined;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly operator: Operator;
  readonly demo: Demo | undefined;
  /** Lines to print for the user who started the process. */
  readonly notes: readonly string[];
  /** Alerts operators to the error that ends this process, and sends the alert. Never throws. */
  crash(error: unknown): Promise<void>;
  close(): Promise<void>;
}

type Closing = (() => Promise<void> | void)[];

/**
 * Opens PostgreSQL, Redis, the jobs and the server, in that order; closes them in reverse.
 * @throws Error that says in one sentence what is missing; then nothing is left open
 */
export async function openApp(config: Config, log: Log): Promise<App> {
  const closing: Closing = [];
  try {
    return await open(config, log, closing);
  } catch (error) {
    await closeAll(closing, log);
    throw error;
  }
}

async function open(config: Config, log: Log, closing: Closing): Promise<App> {
  const trusted = await trustedDocumentsOf(config);
  const { databaseUrl, redisUrl, notes } = await findServers(config, log, closing);
  const platform = await openPlatform(config, log, databaseUrl, redisUrl, closing);
  openAlerts(platform);
  const { orm, redis } = platform;
  const operator = await keepOperator(platform);
  await openEndings(platform);
  const demo = config.DEMO_DATA !== 'off' && (config.DEMO_DATA || config.NODE_ENV !== 'production');
  const seeded = demo ? await seedDemo(platform) : undefined;
  const documents = new Documents(makeSchema(), hidesSchema(config), trusted);
  const http = await openHttp(config, async () => {
    await Promise.all([pingPostgres(orm), redis.ping()]);
  });
  keepReserve(http, platform);
  const explorer = hasExplorer(config) ? serveExplorer(http, EXPLORER_FOLDER) : undefined;
  await serveGraphql(http, platform, documents, explorer);
  serveSockets(http, platform, documents);
  serveStreams(http, platform, documents);
  serveExports(http, platform);
  await serveChargeWebhook(http, platform);
  servePages(http, PAGES_FOLDER, explorer && GRAPHQL_PATH);
  startJobs(platform, JOBS, watchJobs(platform, JOBS));
  closing.push(() => closeHttp(http));
  const address = await http.listen({ port: config.PORT, host: config.HOST });
  const url = `${address}${GRAPHQL_PATH}`;
  return {
    url,
    pagesUrl: `${address}/`,
    explorerUrl: explorer && url,
    databaseUrl,
    redisUrl,
    operator,
    demo: seeded,
    notes: [...notes, ...warningsOf(config), ...misfitsOf(documents, trusted)],
    crash: (error) => alertToCrash(platform, error),
    close: () => closeAll(closing, log),
  };
}

/** The process may be the last one: it sends the alert itself. */
async function alertToCrash(platform: Platform, error: unknown): Promise<void> {
  raiseFault(platform, 'CRASH', `A process (pid ${process.pid}) met an error that nothing caught, and ends`, error);
  const sent = settleAlerts(platform).then(() => sendAlerts.run(platform));
  const over = withTimeout(sent, CLOSE_STEP_MS, () => new Error('it took too long'));
  await over.catch((failure: unknown) => platform.log.warn({ error: String(failure) }, 'the alert was not sent'));
}

/** Warnings about settings that are accepted but deserve attention. */
function warningsOf(config: Config): string[] {
  const { AUTH_JWKS_URL, AUTH_ISSUER, AUTH_AUDIENCE, COUPON_GUARD, NODE_ENV } = config;
  const warnings: string[] = [];
  if (AUTH_JWKS_URL && !(AUTH_ISSUER && AUTH_AUDIENCE))
    warnings.push(
      'AUTH_ISSUER or AUTH_AUDIENCE is unset: tokens that AUTH_JWKS_URL signed for others are accepted too',
    );
  if (NODE_ENV === 'production' && chargesOf(config) === 'open')
    warnings.push('CHARGES is open: anybody adds any amount to the own wallet, for nothing');
  if (COUPON_GUARD === 'script') warnings.push('COUPON_GUARD=script is no longer there: it is read as pessimistic');
  return warnings;
}

/** @throws ConfigError that says what is wrong with the file of TRUSTED_DOCUMENTS */
async function trustedDocumentsOf({ TRUSTED_DOCUMENTS: list }: Config): Promise<TrustedDocuments | undefined> {
  try {
    return list === undefined ? undefined : await readAllTrusted(list);
  } catch (error) {
    throw new ConfigError(`TRUSTED_DOCUMENTS: ${(error as Error).message}`, { cause: error });
  }
}

/** A warning about listed documents that do not fit the schema, as those of an old client may not after an upgrade. */
function misfitsOf(documents: Documents, trusted: TrustedDocuments = new Map()): string[] {
  const misfits = [...trusted].filter(([, text]) => !('kind' in documents.validate(text)));
  const [first] = misfits;
  if (!first) return [];
  return [`TRUSTED_DOCUMENTS has ${misfits.length} that the schema refuses, such as ${first[0]}`];
}

async function findServers(
  config: Config,
  log: Log,
  closing: Closing,
): Promise<{ databaseUrl: string; redisUrl: string; notes: string[] }> {
  const { DATABASE_URL, REDIS_URL, DATA_DIR } = config;
  if (DATABASE_URL && REDIS_URL) return { databaseUrl: DATABASE_URL, redisUrl: REDIS_URL, notes: [] };
  const servers = [...(DATABASE_URL ? [] : ['postgres' as const]), ...(REDIS_URL ? [] : ['redis' as const])];
  const embedded = await openEmbedded({
    dataDir: DATA_DIR,
    servers,
    name: 'onsale',
    report: (sentence) => log.warn(sentence),
  });
  closing.push(() => embedded.close());
  const databaseUrl = DATABASE_URL ?? embedded.databaseUrl;
  const redisUrl = REDIS_URL ?? embedded.redisUrl;
  if (!databaseUrl || !redisUrl) throw new Error('an embedded server did not start');
  return { databaseUrl, redisUrl, notes: embedded.notes };
}

async function openPlatform(
  config: Config,
  log: Log,
  databaseUrl: string,
  redisUrl: string,
  closing: Closing,
): Promise<Platform> {
  const orm = await openPostgres(databaseUrl, ENTITIES, MIGRATIONS, log);
  closing.push(() => orm.close());
  await naming('DATABASE_URL', 'postgres://user:secret@127.0.0.1:5432/onsale', () => migrate(orm));
  const redis = openRedis(redisUrl, 'commands', log);
  closing.push(() => redis.disconnect());
  await naming('REDIS_URL', 'redis://127.0.0.1:6379', () => redis.connect());
  await checkServer(redis);
  const messages = await openMessages(redisUrl, redis, log);
  closing.push(() => messages.close());
  return { config, log, orm, redis, messages, closing };
}

/** Runs `open`. @throws Error that names the configuration's key, when a configured server does not answer */
async function naming(key: string, example: string, open: () => Promise<void>): Promise<void> {
  try {
    await open();
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    const reason = error instanceof Error && error.message ? error.message : String(error);
    throw new Error(`${key} leads to no server that answers: ${reason} (example: ${key}=${example})`, { cause: error });
  }
}

async function closeAll(closing: Closing, log: Log): Promise<void> {
  for (const close of closing.splice(0).reverse()) {
    const closed = withTimeout((async () => close())(), CLOSE_STEP_MS, () => new Error('it took too long and is left'));
    await closed.catch((error: unknown) => log.warn({ error: String(error) }, 'closing failed'));
  }
}
