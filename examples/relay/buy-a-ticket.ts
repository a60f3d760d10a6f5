// Buys a ticket with Relay: node relay/dist/buy-a-ticket.js [URL of the API] [slug of the concert]
//
// ../buy-a-ticket.ts says what a client has to know of Onsale; this is the same with Relay's own documents. The types of an
// answer tell its members apart by `__typename` only where each member is selected by its own type, not as a Problem.
import { randomUUID } from 'node:crypto';
import { graphql } from 'relay-runtime';
import { ApiError, type Credentials } from '../shop.ts';
import type { buyATicketChargeMutation } from './__generated__/buyATicketChargeMutation.graphql.ts';
import type { buyATicketDatesQuery } from './__generated__/buyATicketDatesQuery.graphql.ts';
import type { buyATicketEnterMutation } from './__generated__/buyATicketEnterMutation.graphql.ts';
import type { buyATicketPayMutation } from './__generated__/buyATicketPayMutation.graphql.ts';
import type { buyATicketPlaceSubscription } from './__generated__/buyATicketPlaceSubscription.graphql.ts';
import type { buyATicketReserveMutation } from './__generated__/buyATicketReserveMutation.graphql.ts';
import type { buyATicketSeatsQuery } from './__generated__/buyATicketSeatsQuery.graphql.ts';
import type { buyATicketSignUpMutation } from './__generated__/buyATicketSignUpMutation.graphql.ts';
import type { buyATicketTicketsQuery } from './__generated__/buyATicketTicketsQuery.graphql.ts';
import { openConcerts } from './concerts.ts';
import { mutate, openEnvironment, query, watch } from './environment.ts';

const PER_PAGE = 2;

const [url = 'http://127.0.0.1:4000/graphql', slug] = process.argv.slice(2);
const credentials: Credentials = {};
const { environment, close } = openEnvironment(url, credentials);

const concertId = await findConcert();
await signUp();
await charge(1_000);
const date = await findDate();
const reservationId = await holdSeat();
await pay();
await printTickets();
await close();

/** Pages through all concerts, forwards and then backwards. */
async function findConcert(): Promise<string> {
  const list = await openConcerts(environment, { first: PER_PAGE });
  while (list.read().pageInfo.hasNextPage) await list.loadNext(PER_PAGE);
  const concerts = list.read().edges.map(({ node }) => node);
  list.close();
  const fromEnd = await openConcerts(environment, { last: PER_PAGE });
  while (fromEnd.read().pageInfo.hasPreviousPage) await fromEnd.loadPrevious(PER_PAGE);
  const again = fromEnd.read().edges.map(({ node }) => node);
  fromEnd.close();
  console.log(`concerts forwards: ${concerts.map(({ slug }) => slug).join(', ')}`);
  console.log(`concerts backwards: ${again.map(({ slug }) => slug).join(', ')}`);
  const found = concerts.find((each) => (slug ? each.slug === slug : each.queue));
  if (!found) throw new Error('there is no such concert');
  console.log(`concert: ${found.title}`);
  return found.id;
}

async function signUp(): Promise<void> {
  const input = { name: `relay ${randomUUID().slice(0, 8)}`, password: randomUUID() };
  const { signUp: answer } = await mutate<buyATicketSignUpMutation>(
    environment,
    graphql`
      mutation buyATicketSignUpMutation($input: CredentialsInput!) {
        signUp(input: $input) {
          __typename
          ... on Session {
            accessToken
          }
          ... on Refusal {
            message
          }
        }
      }
    `,
    { input },
  );
  if (answer.__typename !== 'Session') throw refused(answer);
  credentials.accessToken = answer.accessToken;
  console.log(`signed up as ${input.name}`);
}

/** @param amount in minor units of Settings.currency */
async function charge(amount: number): Promise<void> {
  const { charge: answer } = await mutate<buyATicketChargeMutation>(
    environment,
    graphql`
      mutation buyATicketChargeMutation($input: ChargeInput!) {
        charge(input: $input) {
          __typename
          ... on LedgerEntry {
            balanceAfter
          }
          ... on PendingCharge {
            amount
            reference
          }
          ... on Refusal {
            message
          }
        }
      }
    `,
    { input: { amount, idempotencyKey: randomUUID() } },
  );
  switch (answer.__typename) {
    case 'LedgerEntry':
      console.log(`charged ${amount}, which makes ${answer.balanceAfter}`);
      return;
    case 'PendingCharge':
      throw new Error(`pay ${answer.amount} at the payment provider, for ${answer.reference}`);
    default:
      throw refused(answer);
  }
}

/** The first date with a free seat: at once, or when the turn has come. */
async function findDate(): Promise<string> {
  const look = () =>
    query<buyATicketDatesQuery>(
      environment,
      graphql`
        query buyATicketDatesQuery($concertId: ID!) {
          availableDates(concertId: $concertId) {
            date
          }
        }
      `,
      { concertId },
    );
  const { availableDates } = await look().catch(async (error: unknown) => {
    await waitForTurn(queueInFront(error));
    return look();
  });
  const found = availableDates?.[0];
  if (!found) throw new Error('sold out');
  return found.date;
}

/** Id of the queue that an error says is in front; throws any other error. */
function queueInFront(error: unknown): string {
  if (!(error instanceof ApiError) || error.code !== 'QUEUE_TOKEN_REQUIRED') throw error;
  return (error.extensions.queue as { id: string }).id;
}

/** Enters a queue and follows the place until it is ACTIVE. The open subscription counts as presence. */
async function waitForTurn(queueId: string): Promise<void> {
  const { enterQueue: token } = await mutate<buyATicketEnterMutation>(
    environment,
    graphql`
      mutation buyATicketEnterMutation($input: EnterQueueInput!) {
        enterQueue(input: $input) {
          __typename
          ... on QueueToken {
            value
          }
          ... on Refusal {
            message
          }
        }
      }
    `,
    { input: { queueId } },
  );
  if (token.__typename !== 'QueueToken') throw refused(token);
  credentials.queueToken = token.value;
  const { queuePosition } = await watch<buyATicketPlaceSubscription>(
    environment,
    graphql`
      subscription buyATicketPlaceSubscription($token: ID!) {
        queuePosition(token: $token) {
          status
          position
          waiting
          endReason
        }
      }
    `,
    { token: token.value },
    ({ queuePosition: place }) => {
      console.log(`place ${place.position ?? '-'} of ${place.waiting}: ${place.status}`);
      return place.status !== 'WAITING';
    },
  );
  if (queuePosition.status !== 'ACTIVE') throw new Error(`the place is gone: ${queuePosition.endReason}`);
}

/** Holds a free seat. A seat that somebody else was quicker to hold is no error: the next one is tried. */
async function holdSeat(): Promise<string> {
  const { availableSeats } = await query<buyATicketSeatsQuery>(
    environment,
    graphql`
      query buyATicketSeatsQuery($concertId: ID!, $date: LocalDate!) {
        availableSeats(concertId: $concertId, date: $date, first: 20) {
          id
          label
          showId
        }
      }
    `,
    { concertId, date },
  );
  for (const seat of availableSeats ?? []) {
    const { reserve: answer } = await mutate<buyATicketReserveMutation>(
      environment,
      graphql`
        mutation buyATicketReserveMutation($input: ReserveInput!) {
          reserve(input: $input) {
            __typename
            ... on Reservation {
              id
              expiresAt
            }
            ... on SeatsUnavailable {
              seatIds
            }
            ... on SaleClosed {
              message
            }
            ... on Refusal {
              message
            }
          }
        }
      `,
      // Needs no key: the same seats again answer the same reservation.
      { input: { showId: seat.showId, seatIds: [seat.id] } },
    );
    switch (answer.__typename) {
      case 'Reservation':
        console.log(`seat ${seat.label} is held until ${answer.expiresAt}`);
        return answer.id;
      case 'SeatsUnavailable':
        continue;
      default:
        throw refused(answer);
    }
  }
  throw new Error('all seats that were free are gone');
}

async function pay(): Promise<void> {
  const { pay: answer } = await mutate<buyATicketPayMutation>(
    environment,
    graphql`
      mutation buyATicketPayMutation($input: PayInput!) {
        pay(input: $input) {
          __typename
          ... on Payment {
            amount
          }
          ... on AlreadyPaid {
            payment {
              amount
            }
          }
          ... on InsufficientBalance {
            code
            message
            balance
            required
          }
          ... on Refusal {
            message
          }
        }
      }
    `,
    // A refusal is kept under its key and would be answered again: after it, paying is a new intent with a new key.
    { input: { reservationId, idempotencyKey: randomUUID() } },
  );
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
      throw refused(answer);
  }
}

async function printTickets(): Promise<void> {
  const { reservation } = await query<buyATicketTicketsQuery>(
    environment,
    graphql`
      query buyATicketTicketsQuery($reservationId: ID!) {
        reservation(id: $reservationId) {
          show {
            date
            venue
          }
          tickets {
            code
            seat {
              label
            }
          }
        }
      }
    `,
    { reservationId },
  );
  for (const { seat, code } of reservation?.tickets ?? []) {
    console.log(`ticket: ${reservation!.show.venue}, ${reservation!.show.date}, seat ${seat.label}, code ${code}`);
  }
}

/** The error of a refusal that the program has no way on from. `%other` stands for what the schema did not have yet. */
function refused(answer: { readonly __typename: '%other' } | { readonly message: string }): Error {
  return new Error('message' in answer ? answer.message : 'an answer that is not known yet');
}
