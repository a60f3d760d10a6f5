import type { Pass } from '../api/context.ts';
import type { Job } from '../platform/jobs.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { NOW_ONCE, sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { completeToken } from '../queue/end-token.ts';
import { releaseHoldsOfToken } from '../reservations/release-reservation.ts';

/** A payment that is not yet noted to have completed its token. */
interface OpenToken {
  readonly id: string;
  readonly queueId: string;
  readonly tokenHash: string;
}

/** Payments of this process whose tokens are completed in Redis, but not yet noted as completed in PostgreSQL. */
const completed = perProcess(() => ({ tokens: [] as OpenToken[] }));

/**
 * Completes the token after the commit of the payment. The job notes the completion within a second, for all payments
 * since its last run at once. Never throws: the job repeats what fails.
 * @param pass the queue and the token that the payment was made with
 */
export async function finishToken(platform: Platform, paymentId: string, pass: Pass): Promise<void> {
  try {
    await completeToken(platform, pass.queueId, pass.tokenHash);
    completed(platform).tokens.push({ id: paymentId, ...pass });
  } catch (error) {
    platform.log.warn(
      { error: String(error) },
      'the token of a payment could not be completed and is left to the sweep',
    );
  }
}

/**
 * Notes in PostgreSQL which tokens are completed, and completes the tokens of payments whose process or Redis failed
 * between the commit and the note. Completing a token twice changes nothing.
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

/** Releases the holds that completed tokens still have, and notes the completion. */
async function note(platform: Platform, tokens: readonly OpenToken[]): Promise<void> {
  if (tokens.length === 0) return;
  const em = forkOf(platform);
  // A reserve that was admitted just before may have made a hold after the payment read the token's holds.
  const holding = await sql<{ tokenHash: string }>(
    em,
    `select distinct token_hash as "tokenHash" from reservation where token_hash = any($1) and status = 'HELD'`,
    [tokens.map(({ tokenHash }) => tokenHash)],
  );
  for (const { tokenHash } of holding) await releaseHoldsOfToken(platform, tokenHash);
  // A payment that is being cancelled is locked: it is skipped, and the next run notes it.
  await sql(
    em,
    `update payment set token_completed_at = clock_timestamp() where id in (
       select id from payment where id = any($1) and token_completed_at is null for no key update skip locked)`,
    [tokens.map(({ id }) => id)],
  );
}
