import { loadScript, runScript } from '../platform/lua.ts';
import { forkOf, type Platform } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import type { Numbered } from './insert-issued.ts';

const CLAIM = loadScript(import.meta.url, 'claim');
const NOTE = loadScript(import.meta.url, 'note');
const GIVE_BACK = loadScript(import.meta.url, 'give-back');
const RESTORE = loadScript(import.meta.url, 'restore');

/** How long a serial waits for its confirmation: longer than a transaction may take. */
const LEASE_MS = 6 * SECOND;

/** How long it is worth waiting to hear of a serial that was handed out to somebody else. */
export const FRESH_MS = SECOND / 2;

/** Rows of a coupon that are noted in one step. */
const ROWS_AT_ONCE = 5_000;

/** What Redis says to a claim: a serial that stands for a place among those who get one, or why there is none. */
export type HandedOut = number | 'SOLD_OUT' | 'NOT_YET_KNOWN' | 'HAS_ONE';

const REASONS: Record<number, HandedOut> = { 0: 'SOLD_OUT', [-1]: 'NOT_YET_KNOWN', [-2]: 'HAS_ONE' };

/**
 * Who is first, as Redis decides: it hands out serials from 1 up, those given back before new ones, each to one user
 * under a lease. What it knows can be lost, and is rebuilt from the rows; what it says counts once PostgreSQL has
 * confirmed it, under the serial that the rows give.
 */
export class SerialDesk {
  readonly #platform: Platform;
  readonly #couponId: string;

  constructor(platform: Platform, couponId: string) {
    this.#platform = platform;
    this.#couponId = couponId;
  }

  /** @returns an answer for each user, in their order; undefined where Redis knows nothing of the coupon */
  async handOut(userIds: readonly string[]): Promise<HandedOut[] | undefined> {
    const answer = await this.#run<number[] | 'UNKNOWN'>(CLAIM, [LEASE_MS, FRESH_MS, ...userIds]);
    return answer === 'UNKNOWN' ? undefined : answer.map((given) => REASONS[given] ?? given);
  }

  /** Tells who has which serial for good. */
  async note(holders: readonly Numbered[]): Promise<void> {
    if (holders.length === 0) return;
    await this.#run(
      NOTE,
      holders.flatMap(({ userId, serial }) => [userId, serial]),
    );
  }

  /** Gives back what was handed out to these users and came to nothing. */
  async giveBack(userIds: readonly string[]): Promise<void> {
    if (userIds.length > 0) await this.#run(GIVE_BACK, userIds);
  }

  /** Brings Redis up to the rows. @returns false when there is no such coupon */
  async rebuild(): Promise<boolean> {
    const em = forkOf(this.#platform);
    const [coupon] = await sql<{ quantity: number }>(em, 'select quantity from coupon where id = $1', [this.#couponId]);
    if (!coupon) return false;
    const free: number[] = [];
    let next = 1;
    for (let holders = await this.#rowsFrom(next); holders.length > 0; holders = await this.#rowsFrom(next)) {
      await this.note(holders);
      for (const { serial } of holders) {
        for (; next < serial; next++) free.push(next);
        next++;
      }
    }
    await this.#run(RESTORE, [coupon.quantity, next, ...free]);
    return true;
  }

  #rowsFrom(serial: number): Promise<Numbered[]> {
    return sql<Numbered>(
      forkOf(this.#platform),
      `select user_id as "userId", serial from issued_coupon where coupon_id = $1 and serial >= $2
       order by serial limit $3`,
      [this.#couponId, serial, ROWS_AT_ONCE],
    );
  }

  /** The braces keep a coupon on one node of a Redis Cluster. */
  get #key(): string {
    return `{c:${this.#couponId}}`;
  }

  #run<T>(script: typeof CLAIM, args: readonly (string | number)[]): Promise<T> {
    return runScript<T>(this.#platform.redis, script, this.#key, args);
  }
}
