import type { EntityManager } from '@mikro-orm/core';
import { Field, ID, Int, ObjectType } from 'type-graphql';
import type { Batch } from '../api/context.ts';
import { findShow } from '../concerts/find-show.ts';
import { forkOf } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { polledTopic, type Topic } from '../platform/topics.ts';

@ObjectType({
  simpleResolvers: true,
  description: 'How far the refunds of a cancelled show are: the payments that were COMPLETED when it was cancelled',
})
export class ShowRefunds {
  @Field(() => ID, { description: 'Id of the cancelled show' })
  showId!: string;

  @Field(() => Int, { description: 'Payments to give back' })
  total!: number;

  @Field(() => Int, { description: 'Of these, given back' })
  done!: number;

  @Field(() => Int, { description: 'Of these, failed at the last try and to be tried again' })
  failed!: number;
}

/** Loads how far the refunds of shows are; zeros for a show that was not cancelled, or sold nothing. */
export const refundsOfShows: Batch<ShowRefunds> = ({ em }, showIds) => readRefunds(em, showIds);

async function readRefunds(em: EntityManager, showIds: readonly string[]): Promise<ShowRefunds[]> {
  const rows = await sql<ShowRefunds>(
    em,
    `select show_id as "showId", count(*)::int as total, count(done_at)::int as done,
       (count(*) filter (where done_at is null and last_error is not null))::int as failed
     from show_refund where show_id = any($1) group by show_id`,
    [[...new Set(showIds)]],
  );
  const found = new Map(rows.map((row) => [row.showId, row]));
  return showIds.map((showId) =>
    Object.assign(new ShowRefunds(), { showId, total: 0, done: 0, failed: 0 }, found.get(showId)),
  );
}

/** How far the refunds of a show are, by its id: at once, then at most once a second, while somebody is subscribed. */
export const SHOW_REFUNDS: Topic<ShowRefunds> = polledTopic({
  name: 'showRefunds',
  check: findShow,
  read: async (platform, showId) => (await readRefunds(forkOf(platform), [showId]))[0] as ShowRefunds,
  contentOf: ({ total, done, failed }) => [total, done, failed].join(),
});
