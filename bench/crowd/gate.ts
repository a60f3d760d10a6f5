import type { Ask } from './ask.ts';

/** Where the crowd goes: a concert behind a queue. */
export interface Gate {
  readonly concertId: string;
  readonly title: string;
  readonly queueId: string;
  readonly queueName: string;
  /** Most people who are let in at once. */
  readonly capacity: number;
  /** Seconds for which somebody who was let in may stay. */
  readonly activeSeconds: number;
}

interface Queue {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly capacity: number;
  readonly activeSeconds: number;
}

interface Page {
  readonly concerts: {
    readonly edges: {
      node: { id: string; title: string; queue: Queue | null };
    }[];
    readonly pageInfo: { hasNextPage: boolean; endCursor: string | null };
  };
}

const CONCERTS = `query ($after: String) { concerts(first: 100, after: $after) {
  edges { node { id title queue { id name state capacity activeSeconds } } } pageInfo { hasNextPage endCursor } } }`;
const MAX_PAGES = 50;

/**
 * The demo concert behind a queue; where there is none, the oldest concert behind a queue that is not closed.
 * @throws Error when there is no such concert, or no server
 */
export async function findGate(ask: Ask): Promise<Gate> {
  const gates: Gate[] = [];
  let after: string | null = null;
  for (let page = 0; page < MAX_PAGES; page++) {
    const { concerts }: Page = await ask<Page>(CONCERTS, { after });
    for (const { node } of concerts.edges) {
      if (!node.queue || node.queue.state === 'CLOSED') continue;
      const { id: queueId, name: queueName, capacity, activeSeconds } = node.queue;
      gates.push({ concertId: node.id, title: node.title, queueId, queueName, capacity, activeSeconds });
    }
    after = concerts.pageInfo.endCursor;
    if (!concerts.pageInfo.hasNextPage) break;
  }
  const gate = gates.find(({ queueName }) => queueName.startsWith('Demo')) ?? gates.at(-1);
  if (!gate) throw new Error(`${ask.url} has no concert behind an open queue: start it with DEMO_DATA=on.`);
  return gate;
}
