import type { Batch } from '../api/context.ts';
import { Queue } from '../queue/queue.ts';
import { Concert } from './concert.ts';
import { Show } from './show.ts';

/** Loads all shows of each concert, soonest first. */
export const showsOfConcerts: Batch<Show[]> = async ({ em }, concertIds) => {
  const orderBy = { startsAt: 'asc', id: 'asc' } as const;
  const shows = await em.find(Show, { concertId: { $in: [...concertIds] } }, { orderBy });
  const byConcert = Map.groupBy(shows, ({ concertId }) => concertId);
  return concertIds.map((id) => byConcert.get(id) ?? []);
};

export const queuesById: Batch<Queue> = async ({ em }, ids) => {
  const queues = new Map((await em.find(Queue, { id: { $in: [...ids] } })).map((queue) => [queue.id, queue]));
  return ids.map((id) => queues.get(id) as Queue);
};

export const concertsById: Batch<Concert> = async ({ em }, ids) => {
  const concerts = new Map((await em.find(Concert, { id: { $in: [...ids] } })).map((concert) => [concert.id, concert]));
  return ids.map((id) => concerts.get(id) as Concert);
};

export const showsById: Batch<Show> = async ({ em }, ids) => {
  const shows = new Map((await em.find(Show, { id: { $in: [...ids] } })).map((show) => [show.id, show]));
  return ids.map((id) => shows.get(id) as Show);
};
