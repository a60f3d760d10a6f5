import { randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { Buyer, Data, GraphqlError } from './client.ts';
import type { World } from './world.ts';

/** Two secrets, as while one takes the place of the other. */
export const OLD_SECRET = `whsec_${Buffer.from('the old secret of the provider').toString('base64')}`;
export const NEW_SECRET = `whsec_${Buffer.from('the new secret of the provider').toString('base64')}`;

/** What a process needs that charges through a payment provider. */
export const WITH_PROVIDER = { CHARGES: 'provider', CHARGE_WEBHOOK_SECRET: `${NEW_SECRET},${OLD_SECRET}` };

const PENDING = 'id reference amount status createdAt expiresAt entry { id kind amount balanceAfter }';

/** Answers the ChargeResult where a provider completes charges. */
export async function askToCharge(buyer: Buyer, amount: number, idempotencyKey: string = randomUUID()): Promise<Data> {
  const query = `mutation ($input: ChargeInput!) { charge(input: $input) {
    __typename ... on PendingCharge { ${PENDING} } ... on LedgerEntry { amount } ... on Problem { code } } }`;
  return (await buyer.get(query, { input: { amount, idempotencyKey } })).charge;
}

/**
 * A buyer with 47 charges that may still be paid asks for ten more at the same time, at both processes.
 * @returns how many may still be paid then, and the errors of those that were refused
 */
export async function askBeyondLimit(world: World): Promise<{ pending: number; errors: GraphqlError[] }> {
  const buyer = await world.buyer();
  await world.pool.query(
    `insert into pending_charge (id, user_id, reference, amount, status, expires_at)
     select gen_random_uuid(), $1, $1::uuid || '-' || number, 1, 'PENDING', now() + interval '1 hour'
     from generate_series(1, 47) number`,
    [buyer.id],
  );
  const ask = (i: number): Promise<GraphqlError[]> =>
    buyer
      .at(world.urls[i % 2] as string)
      .get(`mutation { charge(input: { amount: 1, idempotencyKey: "${i}" }) { __typename } }`)
      .then(
        () => [],
        ({ message }: Error) => JSON.parse(message) as GraphqlError[],
      );
  const errors = (await Promise.all(Array.from({ length: 10 }, (_, i) => ask(i)))).flat();
  const { rowCount } = await world.pool.query('select from pending_charge where user_id = $1', [buyer.id]);
  return { pending: rowCount ?? 0, errors };
}

/** Answers the PendingCharge as it is now, or null. */
export async function readCharge(buyer: Buyer, id: string): Promise<Data> {
  return (await buyer.get(`query ($id: ID!) { charge(id: $id) { ${PENDING} } }`, { id })).charge;
}

/** Answers the ChargeWalletResult. */
export async function chargeWallet(
  operator: Buyer,
  userId: string,
  amount: number,
  idempotencyKey: string = randomUUID(),
): Promise<Data> {
  const query = `mutation ($input: ChargeWalletInput!) { chargeWallet(input: $input) {
    __typename ... on LedgerEntry { id kind amount balanceAfter } ... on Problem { code } } }`;
  return (await operator.get(query, { input: { userId, amount, idempotencyKey } })).chargeWallet;
}

/** Answers the AdjustWalletResult. */
export async function adjustWallet(
  operator: Buyer,
  userId: string,
  amount: number,
  { reason = 'a reason', idempotencyKey = randomUUID() as string } = {},
): Promise<Data> {
  const query = `mutation ($input: AdjustWalletInput!) { adjustWallet(input: $input) {
    __typename ... on LedgerEntry { id kind amount balanceAfter reason } ... on InsufficientBalance { balance required }
    ... on Problem { code } } }`;
  return (await operator.get(query, { input: { userId, amount, reason, idempotencyKey } })).adjustWallet;
}

/** How a notice is sent: by which secret it is signed, under which id, and when by the provider's clock. */
export interface Sending {
  readonly secret?: string;
  readonly id?: string;
  readonly at?: Date;
  /** What is sent in the place of what was signed. */
  readonly altered?: string;
  /** Of the sender, as a proxy tells it. */
  readonly address?: string;
}

/** Posts what a provider says to the process that serves `url`. @param message an object, or the text of the body */
export async function notify(
  url: string,
  message: object | string,
  { secret = NEW_SECRET, id = `msg_${randomUUID()}`, at = new Date(), altered, address }: Sending = {},
): Promise<{ status: number; body: Data; requestId: string }> {
  const body = typeof message === 'string' ? message : JSON.stringify(message);
  const response = await fetch(new URL('/webhooks/charges', url), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': new Webhook(secret).sign(id, at, body),
      ...(address !== undefined && { 'x-forwarded-for': address }),
    },
    body: altered ?? body,
  });
  const requestId = response.headers.get('x-request-id') ?? '';
  return { status: response.status, body: await response.json(), requestId };
}

/** The notice that a charge was paid; `data` overrides. */
export function paid({ reference, amount }: Data, data: object = {}): object {
  return {
    type: 'charge.completed',
    data: { reference, paymentId: `pay_${reference}`, amount, currency: 'KRW', ...data },
  };
}

/** The notice that a payment failed. */
export function failed({ reference }: Data): object {
  return { type: 'charge.failed', data: { reference } };
}
