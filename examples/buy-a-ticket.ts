// Buys a ticket: node buy-a-ticket.ts <apollo | urql | graphql-request> [URL of the API] [slug of the concert]
// DOCUMENTS=hash sends the hashes of documents in place of their texts.
//
// What a client has to know of Onsale:
// - `__typename` of an answer says what happened. What is not the thing itself is a refusal: the expected "no", a Problem
//   with a code and a sentence to show. Errors are for callers in the wrong and for faults, and `extensions.code` says which.
// - A concert may have a queue in front. QUEUE_TOKEN_REQUIRED names it; its token opens the rest once it is ACTIVE.
// - One intent, one idempotency key: made before it is sent, and sent again with the same intent alone.
import { randomUUID } from 'node:crypto';
import {
  ChargeDocument,
  ConcertsDocument,
  DatesDocument,
  EnterQueueDocument,
  PayDocument,
  PlaceDocument,
  ReserveDocument,
  SeatsDocument,
  SignUpDocument,
  TicketsDocument,
} from './gql/graphql.ts';
import { ApiError, type Credentials, type OpenShop } from './shop.ts';

const [library, url = 'http://127.0.0.1:4000/graphql', slug] = process.argv.slice(2);
const { openShop } = (await import(`./${library}/open-shop.ts`)) as { openShop: OpenShop };
const credentials: Credentials = {};
const shop = openShop(url, credentials, process.env.DOCUMENTS === 'hash' ? 'hash' : 'text');

const concert = await findConcert();
await signUp();
await charge(1_000);
const show = await findShow();
const reservation = await holdSeat();
await pay();
await printTickets();
await shop.close();

async function findConcert() {
  const { concerts } = await shop.ask(ConcertsDocument, {});
  const found = concerts.edges.map(({ node }) => node).find((each) => (slug ? each.slug === slug : each.queue));
  if (!found) throw new Error('there is no such concert');
  console.log(`concert: ${found.title}`);
  return found;
}

async function signUp(): Promise<void> {
  const input = { name: `${library} ${randomUUID().slice(0, 8)}`, password: randomUUID() };
  const { signUp: answer } = await shop.ask(SignUpDocument, { input });
  if (answer.__typename !== 'Session') throw new Error(answer.message);
  credentials.accessToken = answer.accessToken;
  console.log(`signed up as ${input.name}`);
}

/** @param amount in minor units of Settings.currency */
async function charge(amount: number): Promise<void> {
  const input = { amount, idempotencyKey: randomUUID() };
  const { charge: answer } = await shop.ask(ChargeDocument, { input });
  switch (answer.__typename) {
    case 'LedgerEntry':
      console.log(`charged ${amount}, which makes ${answer.balanceAfter}`);
      return;
    case 'PendingCharge':
      throw new Error(`pay ${answer.amount} at the payment provider, for ${answer.reference}`);
    default:
      throw new Error(answer.message);
  }
}

/** The first date with a free seat: at once, or when the turn has come. */
async function findShow() {
  const look = () => shop.ask(DatesDocument, { concertId: concert.id });
  const { availableDates } = await look().catch(async (error: unknown) => {
    await waitForTurn(queueInFront(error));
    return look();
  });
  const found = availableDates?.[0];
  if (!found) throw new Error('sold out');
  return found;
}

/** Id of the queue that an error says is in front; throws any other error. */
function queueInFront(error: unknown): string {
  if (!(error instanceof ApiError) || error.code !== 'QUEUE_TOKEN_REQUIRED') throw error;
  return (error.extensions.queue as { id: string }).id;
}

/** Enters a queue and follows the place until it is ACTIVE. The open subscription counts as presence. */
async function waitForTurn(queueId: string): Promise<void> {
  const { enterQueue: token } = await shop.ask(EnterQueueDocument, { input: { queueId } });
  if (token.__typename !== 'QueueToken') throw new Error(token.message);
  // At once: a socket that is opened now has it too, for what is subscribed to later.
  credentials.queueToken = token.value;
  const { queuePosition: place } = await shop.watch(
    PlaceDocument,
    { token: token.value },
    ({ queuePosition: place }) => {
      console.log(`place ${place.position ?? '-'} of ${place.waiting}: ${place.status}`);
      return place.status !== 'WAITING';
    },
  );
  if (place.status !== 'ACTIVE') throw new Error(`the place is gone: ${place.endReason}`);
}

/** Holds a free seat of the show. A seat that somebody else was quicker to hold is no error: the next one is tried. */
async function holdSeat() {
  const { availableSeats } = await shop.ask(SeatsDocument, { concertId: concert.id, date: show.date });
  for (const seat of availableSeats ?? []) {
    // Needs no key: the same seats again answer the same reservation.
    const input = { showId: seat.showId, seatIds: [seat.id] };
    const { reserve: answer } = await shop.ask(ReserveDocument, { input });
    switch (answer.__typename) {
      case 'Reservation':
        console.log(`seat ${seat.label} is held until ${answer.expiresAt}`);
        return answer;
      case 'SeatsUnavailable':
        continue;
      default:
        throw new Error(answer.message);
    }
  }
  throw new Error('all seats that were free are gone');
}

async function pay(): Promise<void> {
  // A refusal is kept under its key and would be answered again: after it, paying is a new intent with a new key.
  const input = { reservationId: reservation.id, idempotencyKey: randomUUID() };
  const { pay: answer } = await shop.ask(PayDocument, { input });
  switch (answer.__typename) {
    case 'Payment':
      console.log(`paid ${answer.amount}`);
      return;
    case 'AlreadyPaid':
      console.log(`paid ${answer.payment.amount} before`);
      return;
    case 'InsufficientBalance':
      console.log(`${answer.code}: ${answer.message}`);
      await charge(answer.required - answer.balance);
      return pay();
    default:
      throw new Error(answer.message);
  }
}

async function printTickets(): Promise<void> {
  const { reservation: bought } = await shop.ask(TicketsDocument, { reservationId: reservation.id });
  for (const { seat, code } of bought?.tickets ?? []) {
    console.log(`ticket: ${bought!.show.venue}, ${bought!.show.date}, seat ${seat.label}, code ${code}`);
  }
}
