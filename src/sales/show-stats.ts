import type { EntityManager } from '@mikro-orm/core';
import { Field, ID, Int, ObjectType } from 'type-graphql';
import { DateTime, Money } from '../api/scalars.ts';
import { FREE_SEATS, HELD_SEATS, SOLD_SEATS } from '../concerts/available-count.ts';
import { findShow } from '../concerts/find-show.ts';
import { forkOf, type Platform } from '../platform/platform.ts';
import { sqlRow } from '../platform/postgres.ts';
import { polledTopic, type Topic } from '../platform/topics.ts';

@ObjectType({ simpleResolvers: true, description: 'One moment of the sale of a show, for dashboards' })
export class ShowStats {
  @Field(() => ID, { description: 'Id of the show' })
  showId!: string;

  @Field(() => DateTime, { description: 'When it was counted' })
  at!: Date;

  @Field(() => Int, { description: 'Seats that have a ticket' })
  sold!: number;

  @Field(() => Int, { description: 'Seats that are held' })
  held!: number;

  @Field(() => Int, { description: 'Seats that can be reserved' })
  free!: number;

  @Field(() => Money, { description: 'What was paid for reservations of the show so far, refunds not taken off' })
  revenue!: number;

  @Field(() => Money, { description: 'What of the revenue was refunded so far' })
  refunds!: number;

  @Field(() => Int, { description: 'FAILED payments so far' })
  failedPayments!: number;
}

/** The instant, as PostgreSQL writes it, before which changes of shows are added up in `show_minute`; it only goes up. */
export async function foldedUntil(em: EntityManager): Promise<string> {
  const text = 'select folded_until::text as until from show_minute_fold';
  return (await sqlRow<{ until: string }>(em, text)).until;
}

/**
 * SQL for the rows of `show_change` that are not added up. They are those that the snapshot of the statement says; the
 * parameter, which `foldedUntil` has answered before, tells PostgreSQL how few they are, so that it finds them by their time.
 */
export function isUnfolded(parameter: string): string {
  return `at >= ${parameter}::timestamptz and at >= (select folded_until from show_minute_fold)`;
}

/** Counts a show, in one snapshot. The show must exist. */
async function countShow(platform: Platform, showId: string): Promise<ShowStats> {
  const em = forkOf(platform);
  const counted = await sqlRow<ShowStats>(
    em,
    `select s.id as "showId", clock_timestamp() as at, ${SOLD_SEATS} as sold, ${HELD_SEATS} as held, ${FREE_SEATS} as free,
       m.revenue + c.revenue as revenue, m.refunds + c.refunds as refunds, (m.failed + c.failed)::int as "failedPayments"
     from show s, lateral (
       select coalesce(sum(revenue), 0)::bigint as revenue, coalesce(sum(refunds), 0)::bigint as refunds,
         coalesce(sum(failed), 0) as failed
       from show_minute where show_id = s.id) m, lateral (
       select coalesce(sum(revenue), 0)::bigint as revenue, coalesce(sum(refunds), 0)::bigint as refunds,
         coalesce(sum(failed), 0) as failed
       from show_change where show_id = s.id and ${isUnfolded('$2')}) c
     where s.id = $1`,
    [showId, await foldedUntil(em)],
  );
  return Object.assign(new ShowStats(), counted);
}

/** The counts of a show, by its id: at once, then at most once a second, while somebody is subscribed. */
export const SHOW_STATS: Topic<ShowStats> = polledTopic({
  name: 'showStats',
  check: findShow,
  read: countShow,
  contentOf: ({ sold, held, free, revenue, refunds, failedPayments }) =>
    [sold, held, free, revenue, refunds, failedPayments].join(),
});
