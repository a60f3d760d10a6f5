import { TOKEN } from './builders.ts';
import type { Buyer, Data } from './client.ts';

const ISSUE = 'mutation ($input: IssuePriorityCodesInput!) { issuePriorityCodes(input: $input) }';

/** New codes of one priority. */
export async function issue(operator: Buyer, queueId: string, priority: number, count = 1): Promise<string[]> {
  return (await operator.get(ISSUE, { input: { queueId, priority, count } })).issuePriorityCodes;
}

/** The code of the error with which codes are refused. */
export function failToIssue(caller: Buyer, input: object): Promise<string> {
  return caller.fail(ISSUE, { input });
}

/** Enters with a code; answers the EnterQueueResult. */
export async function enterWith(buyer: Buyer, queueId: string, priorityCode: string | null): Promise<Data> {
  const query = `mutation ($input: EnterQueueInput!) { enterQueue(input: $input) {
    __typename ... on QueueToken { ${TOKEN} } ... on Problem { code } } }`;
  return (await buyer.get(query, { input: { queueId, priorityCode } })).enterQueue;
}

/** How many of the buyers, who all present the code at once, get a place with it; the others are refused. */
export async function rushWith(buyers: Buyer[], queueId: string, code: string): Promise<Buyer[]> {
  const answers = await Promise.all(buyers.map((buyer) => enterWith(buyer, queueId, code)));
  return buyers.filter((_buyer, index) => answers[index].__typename === 'QueueToken');
}
