import { makeShow, pay, reserve } from './builders.ts';
import type { Buyer, Data } from './client.ts';
import type { World } from './world.ts';

/** Answers the WithdrawConcertResult. */
export async function withdrawConcert(operator: Buyer, id: string): Promise<Data> {
  const query = `mutation ($input: WithdrawConcertInput!) { withdrawConcert(input: $input) {
    __typename ... on Concert { id withdrawnAt } ... on SeatsSold { showIds } ... on Problem { code } } }`;
  return (await operator.get(query, { input: { id } })).withdrawConcert;
}

/**
 * Lets buyers at both processes reserve seats, and pay for others that they hold, while an operator withdraws the concert.
 * @returns what the operator was answered, and how many seats are held or sold of a concert that was withdrawn
 */
export async function sellWhileWithdrawn(world: World, operator: Buyer): Promise<{ answer: Data; sold: number }> {
  const show = await makeShow(operator, { seatCount: 20 });
  const buyers = await world.buyers(20, 1_000);
  const payers = buyers.slice(0, 4);
  const held: Data[] = await Promise.all(
    payers.map((buyer, index) => reserve(buyer, show.id, [show.seats[index] as string])),
  );
  const selling = [
    ...payers.map((buyer, index) => pay(buyer, held[index].id)),
    ...buyers.slice(4).map((buyer, index) => reserve(buyer, show.id, [show.seats[index + 4] as string])),
  ];
  const [answer] = await Promise.all([
    withdrawConcert(operator.at(world.urls[1] as string), show.concertId),
    Promise.allSettled(selling),
  ]);
  const { rows } = await world.pool.query(
    `select ((select count(*) from hold h where h.show_id = s.id and h.expires_at > clock_timestamp())
       + (select count(*) from ticket t where t.show_id = s.id))::int as sold
     from show s join concert c on c.id = s.concert_id where s.id = $1 and c.withdrawn_at is not null`,
    [show.id],
  );
  return { answer, sold: rows[0]?.sold ?? 0 };
}
