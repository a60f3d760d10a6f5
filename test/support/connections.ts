import { readFile } from 'node:fs/promises';

/** A connection that a process has accepted or is about to, as the system sees its end. */
export interface Connection {
  /** The port of the client. */
  readonly port: number;
  /** Bytes that came and that the process has not read. */
  readonly unread: number;
}

/** The open connections to the process that serves `url`, over IPv4. */
export async function connectionsTo(url: string): Promise<Connection[]> {
  const own = Number(new URL(url).port);
  const rows = (await readFile('/proc/net/tcp', 'utf8')).trim().split('\n').slice(1);
  const portOf = (address = ''): number => Number.parseInt(address.split(':')[1] ?? '', 16);
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, local, , state]) => portOf(local) === own && state === '01')
    .map(([, , remote, , queues = '']) => ({ port: portOf(remote), unread: portOf(queues) }));
}
