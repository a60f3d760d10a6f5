import { Child } from '../load/child.ts';
import type { Asking } from '../load/http-load.child.ts';
import type { Load } from '../load/http-load.ts';
import { newUser } from '../load/users.ts';

/** One person with a place in a queue. */
export interface Waiting {
  readonly accessToken: string;
  readonly token: string;
}

const ENTER = `mutation ($queueId: ID!) { enterQueue(input: { queueId: $queueId }) { ... on QueueToken { value } } }`;

/** Lets `count` new people enter the queue, over the front door, in no order. */
export async function enterMany(url: string, queueId: string, count: number): Promise<Waiting[]> {
  const users = Array.from({ length: count }, () => newUser());
  const child = new Child('./http-load.child.ts');
  const each = users.map(({ accessToken }) => ({ accessToken, variables: { queueId } }));
  const { bodies } = await child.ask<Load>({ url, query: ENTER, each, connections: 64, once: true } satisfies Asking);
  await child.end();
  return bodies.map((body, index) => {
    const { value } = (JSON.parse(body) as { data: { enterQueue: { value: string } } }).data.enterQueue;
    return { token: value, accessToken: users[index]?.accessToken ?? '' };
  });
}
