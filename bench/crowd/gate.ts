import { ConcertDocument, ConcertsDocument, type ConcertsQuery } from '../../web/gql/graphql.ts';
import type { Ask } from './ask.ts';

/** Where the crowd goes: a concert behind a queue. */
export interface Gate {
  readonly concertId: string;
  readonly title: string;
  readonly queueId: string;
  /** Most people who are let in at once. */
  readonly capacity: number;
  /** Seconds for which somebody who was let in may stay. */
  readonly activeSeconds: number;
}

const MAX_PAGES = 50;

/**
 * The oldest concert behind a queue that is not closed: that of the demo data, where there is one.
 * @throws Error when there is no such concert, or no server
 */
export async function findGate(ask: Ask): Promise<Gate> {
  for (const slug of (await slugs(ask)).reverse()) {
    const { concertBySlug: concert } = await ask(ConcertDocument, { slug });
    if (!concert?.queue || concert.queue.state === 'CLOSED') continue;
    const { id: queueId, capacity, activeSeconds } = concert.queue;
    return { concertId: concert.id, title: concert.title, queueId, capacity, activeSeconds };
  }
  throw new Error(`${ask.url} has no concert behind an open queue: start it with DEMO_DATA=on.`);
}

/** Of the concerts, newest first. */
async function slugs(ask: Ask): Promise<string[]> {
  const found: string[] = [];
  let after: string | null = null;
  for (let page = 0; page < MAX_PAGES; page++) {
    const { concerts }: ConcertsQuery = await ask(ConcertsDocument, { after });
    found.push(...concerts.edges.map(({ node }) => node.slug));
    after = concerts.pageInfo.endCursor;
    if (!concerts.pageInfo.hasNextPage) break;
  }
  return found;
}
