import { type Connection, idKey, pageOf, toConnection } from '../api/connection.ts';
import type { Batch, Context } from '../api/context.ts';
import { Alert, AlertChannel, type AlertStatus } from './alert.ts';

const NAME = 'alert';

/** Reads a page of the alerts to all channels, newest first. @param status selects alerts with it; undefined for all */
export async function readAlerts(
  { em }: Context,
  first: number,
  after: string | undefined,
  status: AlertStatus | undefined,
): Promise<Connection<Alert>> {
  const page = pageOf(NAME, first, after, idKey);
  const where = { ...(page.after && { id: { $lt: page.after } }), ...(status && { status }) };
  const alerts = await em.find(Alert, where, { orderBy: { id: 'desc' }, limit: first + 1, disableIdentityMap: true });
  return toConnection(NAME, alerts, first, ({ id }) => id);
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
