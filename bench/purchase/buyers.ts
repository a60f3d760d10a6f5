import type pg from 'pg';
import type { Servers } from '../load/servers.ts';
import { newUser } from '../load/users.ts';

/** What everybody has to begin with; a seat costs a tenth of it. */
const MONEY = 1_000;
const PRICE = 100;

/** Somebody who will buy one seat. */
export interface BuyerOfOne {
  readonly userId: string;
  readonly accessToken: string;
  readonly seatId: string;
}

/** A show, and somebody for each of its seats. */
export interface FullHouse {
  readonly showId: string;
  readonly buyers: readonly BuyerOfOne[];
}

/**
 * Makes two shows and their buyers, each with a wallet that was charged once: one show for the product, and one for the
 * yardsticks, whose ids are md5 of `user`, `seat` ... and a number from 1 on. A user of the first is no user of the second.
 */
export async function makeHouses(servers: Servers, count: number): Promise<FullHouse> {
  const [showId, otherId] = [await makeShow(servers, count), await makeShow(servers, count)];
  const { pool } = servers;
  await pool.query(`update seat set id = md5('seat' || number)::uuid where show_id = $1`, [otherId]);
  await makeUsers(pool, 'user', count);
  await makeUsers(pool, 'buyer', count);
  // Only what was filled: of a table that is known to be empty PostgreSQL goes on believing it until it looks again.
  await pool.query('vacuum analyze seat, user_account, wallet, entry');
  const { rows } = await pool.query<{ seatId: string; userId: string }>(
    `select id as "seatId", md5('buyer' || number)::uuid as "userId" from seat where show_id = $1 order by number`,
    [showId],
  );
  const buyers = rows.map((row) => ({ ...row, accessToken: newUser('BUYER', row.userId).accessToken }));
  return { showId, buyers };
}

/**
 * Makes `count` users with wallets of money.
 * @param noun their ids are md5 of it and a number from 1 on
 */
export async function makeUsers(pool: pg.Pool, noun: string, count: number): Promise<void> {
  const user = `md5($1 || n)::uuid`;
  const numbers = 'generate_series(1, $2::int) n';
  await pool.query(`insert into user_account (id, name, role) select ${user}, $1 || n, 'BUYER' from ${numbers}`, [
    noun,
    count,
  ]);
  await pool.query(`insert into wallet (user_id, balance, seq) select ${user}, ${MONEY}, 1 from ${numbers}`, [
    noun,
    count,
  ]);
  await pool.query(
    `insert into entry (id, wallet_id, seq, kind, amount, balance_before, balance_after)
     select gen_random_uuid(), ${user}, 1, 'CHARGE', ${MONEY}, 0, ${MONEY} from ${numbers}`,
    [noun, count],
  );
}

async function makeShow(servers: Servers, seatCount: number): Promise<string> {
  const { createConcert } = await servers.asOperator<{ createConcert: { id: string } }>(
    'mutation ($input: CreateConcertInput!) { createConcert(input: $input) { id } }',
    { input: { title: 'a bench' } },
  );
  const [opened, later] = [new Date(Date.now() - 60_000), new Date(Date.now() + 86_400_000)];
  const times = { startsAt: later, salesOpenAt: opened, salesCloseAt: later };
  const { createShow } = await servers.asOperator<{ createShow: { id: string } }>(
    'mutation ($input: CreateShowInput!) { createShow(input: $input) { id } }',
    { input: { concertId: createConcert.id, venue: 'a hall', price: PRICE, seatCount, seatsPerRow: 100, ...times } },
  );
  return createShow.id;
}
