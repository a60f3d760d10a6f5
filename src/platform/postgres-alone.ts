import pg from 'pg';
import { SECOND } from './units.ts';

export type AloneClient = pg.Client;

/**
 * Runs `work` over a connection outside the pool, for what takes longer than a request's statements may.
 * @param maxMs milliseconds after which the work is ended: by the server or, when that does not answer, by closing the
 * connection
 */
export async function withConnectionOfItsOwn<T>(
  url: string,
  maxMs: number,
  work: (client: AloneClient) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'onsale-alone',
    connectionTimeoutMillis: 2 * SECOND,
    statement_timeout: maxMs,
    idle_in_transaction_session_timeout: maxMs,
    keepAlive: true,
  });
  // A connection that breaks fails the query under way; without a listener it would end the process.
  client.on('error', () => undefined);
  await client.connect();
  const timer = setTimeout(() => cut(client), maxMs);
  try {
    return await work(client);
  } finally {
    clearTimeout(timer);
    await client.end().catch(() => undefined);
  }
}

function cut(client: AloneClient): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}
