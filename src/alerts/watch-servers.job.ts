import type { Job } from '../platform/jobs.ts';
import { type Platform, perProcess } from '../platform/platform.ts';
import { pingPostgres } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { raiseAlert, withdrawAlert } from './raise-alert.ts';

/** What one process knows of one server. */
interface Server {
  readonly title: string;
  readonly kind: 'POSTGRES' | 'REDIS';
  readonly ping: (platform: Platform) => Promise<unknown>;
  /** Since when it has not answered, by `performance.now()`; undefined while it answers. */
  silentSince: number | undefined;
  /** Whether an alert was raised for that. */
  isTold: boolean;
}

const servers = perProcess((): Server[] => [
  {
    title: 'PostgreSQL',
    kind: 'POSTGRES',
    ping: ({ orm }) => pingPostgres(orm),
    silentSince: undefined,
    isTold: false,
  },
  { title: 'Redis', kind: 'REDIS', ping: ({ redis }) => redis.ping(), silentSince: undefined, isTold: false },
]);

/**
 * Asks both servers once a second whether they answer, and raises alerts when one is away and when it is back. When the
 * one comes up while the other is still to be raised, both are left out: what was raised last is true again.
 */
export const watchServers: Job = {
  name: 'watch-servers',
  everyMs: SECOND,
  async run(platform) {
    await Promise.all(servers(platform).map((server) => look(platform, server)));
  },
};

/** Whether PostgreSQL or Redis did not answer this process when it was asked last. */
export function isServerSilent(platform: Platform): boolean {
  return servers(platform).some(({ silentSince }) => silentSince !== undefined);
}

async function look(platform: Platform, server: Server): Promise<void> {
  const { title, kind, ping } = server;
  const { AWAY_SECONDS } = platform.config;
  try {
    await ping(platform);
  } catch {
    server.silentSince ??= performance.now();
    const isAway = performance.now() - server.silentSince >= AWAY_SECONDS * SECOND;
    if (isAway && !server.isTold) {
      server.isTold = true;
      platform.log.warn({ server: title }, 'a server is away');
      if (withdrawAlert(platform, `${kind}_BACK`)) return;
      const text = `${title} has not answered for ${AWAY_SECONDS} seconds or longer.`;
      raiseAlert(platform, `${kind}_AWAY`, text, { since: server.silentSince });
    }
    return;
  }
  const since = server.silentSince;
  server.silentSince = undefined;
  if (!server.isTold) return;
  server.isTold = false;
  platform.log.warn({ server: title }, 'a server is back');
  if (withdrawAlert(platform, `${kind}_AWAY`)) return;
  raiseAlert(platform, `${kind}_BACK`, `${title} answers again.`, { since });
}
