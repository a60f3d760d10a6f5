import { createHash, createHmac } from 'node:crypto';
import { enter, eventually } from './builders.ts';
import { type Buyer, type Data, post } from './client.ts';
import { type Place, update } from './places.ts';

const HOUR = 3_600_000;

/** A SCHEDULED queue that nobody is admitted to unless `input` gives a capacity. @returns the queue's id */
export async function makeScheduled(operator: Buyer, opensInMs = HOUR, input: object = {}): Promise<string> {
  const query = 'mutation ($input: CreateQueueInput!) { createQueue(input: $input) { id } }';
  const opensAt = new Date(Date.now() + opensInMs);
  return (await operator.get(query, { input: { name: 'drawn', capacity: 0, opensAt, ...input } })).createQueue.id;
}

/** Opens it now, as the operator; answers the queue. */
export function openNow(operator: Buyer, queueId: string): Promise<Data> {
  return update(operator, queueId, { state: 'OPEN' });
}

/** The token's public id. */
export function publicIdOf({ value }: { value: string }): string {
  return createHash('sha256').update(value).digest('hex');
}

export interface Shuffle {
  readonly queueId: string;
  readonly commitment: string;
  readonly seed: string | null;
  readonly entrants: number;
  readonly order: string[];
}

const SHUFFLE = `query ($id: ID!, $priority: Int, $first: Int, $offset: Int) { queueShuffle(queueId: $id) {
  queueId commitment seed entrants order(priority: $priority, first: $first, offset: $offset) } }`;

/** What anybody is told of the draw. `page` has priority, first and offset. */
export async function shuffleOf(url: string, id: string, page: object = {}): Promise<Shuffle> {
  const { data, errors } = await post(url, SHUFFLE, { id, priority: 0, first: 10_000, offset: 0, ...page });
  if (errors) throw new Error(JSON.stringify(errors));
  return data.queueShuffle;
}

/** Waits until the queue has been drawn. */
export async function drawn(url: string, id: string, withinMs?: number): Promise<Shuffle> {
  await eventually(async () => (await shuffleOf(url, id)).seed !== null, withinMs);
  return shuffleOf(url, id);
}

/** The order that the contract prescribes for one lane of public ids, reckoned anew; `all` are those of every lane. */
export function expectedOrder(seed: string, lane: string[], all: string[] = lane): string[] {
  const digest = createHash('sha256')
    .update([...all].sort().join('\n'))
    .digest();
  const key = createHash('sha256')
    .update(Buffer.concat([Buffer.from(seed, 'hex'), digest]))
    .digest();
  const ranks = new Map(lane.map((id) => [id, createHmac('sha256', key).update(id).digest('hex')]));
  return [...lane].sort((a, b) => ((ranks.get(a) ?? '') < (ranks.get(b) ?? '') ? -1 : 1));
}

const CODES = 'mutation ($input: IssuePriorityCodesInput!) { issuePriorityCodes(input: $input) }';

/** Codes of one priority. */
export async function codesOf(operator: Buyer, queueId: string, priority: number, count: number): Promise<string[]> {
  return (await operator.get(CODES, { input: { queueId, priority, count } })).issuePriorityCodes;
}

const ENTER = `mutation ($input: EnterQueueInput!) { enterQueue(input: $input) {
  __typename ... on QueueToken { value status position percentBehind } ... on Problem { code } } }`;

/** Enters with a code. */
export async function enterWith(buyer: Buyer, queueId: string, priorityCode: string): Promise<Place> {
  const { value } = (await buyer.get(ENTER, { input: { queueId, priorityCode } })).enterQueue;
  return { buyer, value };
}

/** Enters everybody, some at once, in no order. */
export async function crowd(buyers: Buyer[], queueId: string): Promise<Place[]> {
  const places: Place[] = [];
  const left = [...buyers];
  const one = async (): Promise<void> => {
    for (let buyer = left.pop(); buyer; buyer = left.pop()) {
      places.push({ buyer, value: (await enter(buyer, queueId)).value });
    }
  };
  await Promise.all(Array.from({ length: 20 }, one));
  return places;
}
