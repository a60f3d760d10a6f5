import type { Pass } from '../api/context.ts';
import type { Job } from '../platform/jobs.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { NOW_ONCE, sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { completeToken } from '../queue/end-token.ts';
import { releaseHoldsOfToken } from '../reservations/release-reservation.ts';

/** A payment whose token is not known to be completed. */
interface OpenToken {
  readonly id: string;
  readonly queueId: string;
  readonly tokenHash: string;
}

/** Payments of this process whose tokens are completed, but not yet noted so in PostgreSQL. */
const completed = perProcess(() => ({ tokens: [] as OpenToken[] }));

/**
 * Completes the token right after the commit of the payment. That it is completed is noted within a second, for all
 * payments since the last time at once. Never throws: what fails is left to the sweep.
 */
export async function finishToken(platform: Platform, paymentId: string, pass: Pass): Promise<void> {
  try {
    await completeToken(platform, pass.queueId, pass.tokenHash);
    completed(platform).tokens.push({ id: paymentId, ...pass });
  } catch (error) {
    platform.log.warn({ error: String(error) }, 'a token that was paid with is left to the sweep');
  }
}

/**
 * Notes which tokens are completed, and completes those of payments whose process, or whose Redis, went away between the
 * commit and the note. A token may be completed twice, which changes nothing.
 */
export const finishTokens: Job = {
  name: 'finish-tokens',
  everyMs: SECOND,
  async run(platform) {
    await note(platform, completed(platform).tokens.splice(0));
    const open = await sql<OpenToken>(
      forkOf(platform),
      `select id, queue_id as "queueId", token_hash as "tokenHash" from payment
       where token_hash is not null and token_completed_at is null and status <> 'FAILED'
         and created_at < ${NOW_ONCE} - interval '2 seconds'
       order by created_at limit 200`,
    );
    await Promise.all(open.map(({ queueId, tokenHash }) => completeToken(platform, queueId, tokenHash)));
    await note(platform, open);
  },
};

/** Releases what a completed token still holds, and notes the completion. */
async function note(platform: Platform, tokens: readonly OpenToken[]): Promise<void> {
  if (tokens.length === 0) return;
  const em = forkOf(platform);
  // A reserve that was let in just before may have come after the payment's own look at the token's holds.
  const holding = await sql<{ tokenHash: string }>(
    em,
    `select distinct token_hash as "tokenHash" from reservation where token_hash = any($1) and status = 'HELD'`,
    [tokens.map(({ tokenHash }) => tokenHash)],
  );
  for (const { tokenHash } of holding) await releaseHoldsOfToken(platform, tokenHash);
  // A payment that is being cancelled is locked: the next sweep notes it, and no lock is waited for.
  await sql(
    em,
    `update payment set token_completed_at = clock_timestamp() where id in (
       select id from payment where id = any($1) and token_completed_at is null for no key update skip locked)`,
    [tokens.map(({ id }) => id)],
  );
}
