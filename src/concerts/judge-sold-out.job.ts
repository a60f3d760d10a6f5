import type { EntityManager } from '@mikro-orm/core';
import type { EventType } from '../commands/event-types.ts';
import { writeOutbox } from '../commands/outbox.ts';
import { runAlone } from '../commands/runner.ts';
import { FIRST_ID } from '../platform/ids.ts';
import type { Job } from '../platform/jobs.ts';
import { forkOf } from '../platform/platform.ts';
import { prepared, sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';

/** Shows judged in one transaction. */
const MAX_AT_ONCE = 20;

/** Events after which a show has other tickets than before. */
const SALES: ReadonlySet<EventType> = new Set([
  'reservation.confirmed.v1',
  'payment.cancelled.v1',
  'payment.refunded.v1',
]);

/**
 * Notes, in `em`'s transaction, the shows whose tickets changed by these events: the job judges them.
 * @param events with their data as JSON
 */
export async function noteSales(
  em: EntityManager,
  events: readonly { readonly type: EventType; readonly data: string }[],
): Promise<void> {
  const ids = new Set<string>();
  for (const { type, data } of events) {
    const { showId } = SALES.has(type) ? (JSON.parse(data) as { showId: string | null }) : { showId: null };
    if (showId !== null) ids.add(showId);
  }
  if (ids.size === 0) return;
  await sql(
    em,
    // Also where it is noted already: a job that is judging the show may not have seen these tickets, and is waited for.
    prepared(`update show set has_new_sales = true where id in (
       select id from show where id = any($1::uuid[]) order by id for no key update)`),
    [[...ids]],
  );
}

interface Judged {
  readonly id: string;
  readonly concertId: string;
  readonly isSoldOut: boolean;
  readonly wasSoldOut: boolean;
}

/**
 * Judges whether shows whose tickets changed are sold out: every seat has a ticket. Emits an event when a show becomes
 * so, again also after a refund had put seats on sale.
 */
export const judgeSoldOut: Job = {
  name: 'judge-sold-out',
  everyMs: SECOND,
  async run(platform) {
    const any = prepared('select id from show where has_new_sales limit 1');
    if ((await sql(forkOf(platform), any)).length === 0) return;
    let last: string | undefined = FIRST_ID;
    // By id, so that shows that sell all the time do not keep others from their turn.
    while (last !== undefined) {
      const after: string = last;
      last = await runAlone(platform, (em) => judge(em, after));
    }
  },
};

/** Judges shows with ids after `after`. @returns the last of them; undefined when none follows */
async function judge(em: EntityManager, after: string): Promise<string | undefined> {
  const due = await sql<{ id: string }>(
    em,
    `update show set has_new_sales = false where id in (
       select id from show where has_new_sales and id > $2 order by id limit $1 for no key update skip locked)
     returning id`,
    [MAX_AT_ONCE, after],
  );
  // A statement of its own: it counts tickets that were committed before the shows were locked.
  const judged = await sql<Judged>(
    em,
    `select s.id, s.concert_id as "concertId", s.sold_out_at is not null as "wasSoldOut",
       (select count(*) from ticket t where t.show_id = s.id) >= s.seat_count as "isSoldOut"
     from show s where s.id = any($1)`,
    [due.map(({ id }) => id)],
  );
  const changed = judged.filter(({ isSoldOut, wasSoldOut }) => isSoldOut !== wasSoldOut);
  await sql(
    em,
    `update show s set sold_out_at = case when u.is_sold_out then clock_timestamp() end
     from unnest($1::uuid[], $2::boolean[]) as u (id, is_sold_out) where s.id = u.id`,
    [changed.map(({ id }) => id), changed.map(({ isSoldOut }) => isSoldOut)],
  );
  const soldOut = changed.filter(({ isSoldOut }) => isSoldOut);
  await writeOutbox(
    em,
    soldOut.map(({ id, concertId }) => ({
      event: { type: 'show.sold_out.v1', aggregate: id, data: { showId: id, concertId } },
      requestId: undefined,
    })),
  );
  return due.length < MAX_AT_ONCE
    ? undefined
    : due
        .map(({ id }) => id)
        .sort()
        .at(-1);
}
