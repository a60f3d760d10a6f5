import { type Connection, idKey, pageOf, toConnection } from '../api/connection.ts';
import type { Batch, Context } from '../api/context.ts';
import { sql } from '../platform/postgres.ts';
import { ALERT_COLUMNS, type Alert, type AlertRow, type AlertStatus, toAlert } from './alert.ts';
import { AlertChannel } from './alert-channel.ts';

const NAME = 'alert';

/** Everybody's alerts, newest first. @param status only those that have it */
export async function readAlerts(
  context: Context,
  first: number,
  after: string | undefined,
  status: AlertStatus | undefined,
): Promise<Connection<Alert>> {
  const page = pageOf(NAME, first, after, idKey);
  const rows = await sql<AlertRow>(
    context.em,
    `select ${ALERT_COLUMNS} from alert a
     where ($1::uuid is null or a.id < $1) and ($2::text is null or a.status = $2) order by a.id desc limit $3`,
    [page.after ?? null, status ?? null, first + 1],
  );
  return toConnection(NAME, rows.map(toAlert), first, ({ id }) => id);
}

export const channelsById: Batch<AlertChannel> = async ({ em }, ids) => {
  const rows = await sql<AlertChannel>(em, 'select id, name, kind from alert_channel where id = any($1)', [ids]);
  const found = new Map(rows.map((row) => [row.id, Object.assign(new AlertChannel(), row)]));
  return ids.map((id) => found.get(id) as AlertChannel);
};
