import { type Connection, idKey, type PageArgs, pageOf, readNewestFirst } from '../api/connection.ts';
import type { Batch, Context } from '../api/context.ts';
import { Alert, AlertChannel, type AlertStatus } from './alert.ts';

/** Reads a page of the alerts to all channels, newest first. @param status selects alerts with it; undefined for all */
export async function readAlerts(
  { em }: Context,
  args: PageArgs,
  status: AlertStatus | undefined,
): Promise<Connection<Alert>> {
  return readNewestFirst(em, Alert, status ? { status } : {}, pageOf('alert', args, idKey), 'id');
}

/** The channels that alerts are sent to, oldest first, without their URLs. */
export function readChannels({ em }: Context): Promise<AlertChannel[]> {
  return em.find(AlertChannel, { removedAt: null }, { orderBy: { id: 'asc' }, disableIdentityMap: true });
}

/** Loads channels by id, without their URLs; each id must exist. */
export const channelsById: Batch<AlertChannel> = async ({ em }, ids) => {
  const channels = new Map((await em.find(AlertChannel, { id: { $in: [...ids] } })).map((row) => [row.id, row]));
  return ids.map((id) => channels.get(id) as AlertChannel);
};
