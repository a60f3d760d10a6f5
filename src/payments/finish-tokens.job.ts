import type { Pass } from '../api/context.ts';
import type { Job } from '../platform/jobs.ts';
import { forkOf, type Platform } from '../platform/platform.ts';
import { NOW_ONCE, sql } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { completeToken } from '../queue/end-token.ts';
import { releaseHoldsOfToken } from '../reservations/release-reservation.ts';

interface OpenToken {
  readonly id: string;
  readonly queueId: string;
  readonly tokenHash: string;
}

/** Right after the commit; when it fails, the sweep does it. Never throws. */
export async function finishToken(platform: Platform, paymentId: string, pass: Pass): Promise<void> {
  try {
    await finish(platform, { id: paymentId, ...pass });
  } catch (error) {
    platform.log.warn({ error: String(error) }, 'a token that was paid with is left to the sweep');
  }
}

/** Completes the tokens of payments whose process, or whose Redis, went away between the commit and the completion. */
export const finishTokens: Job = {
  name: 'finish-tokens',
  everyMs: SECOND,
  async run(platform) {
    const open = await sql<OpenToken>(
      forkOf(platform),
      `select id, queue_id as "queueId", token_hash as "tokenHash" from payment
       where token_hash is not null and token_completed_at is null and status <> 'FAILED'
         and created_at < ${NOW_ONCE} - interval '2 seconds'
       order by created_at limit 200`,
    );
    for (const token of open) await finish(platform, token);
  },
};

async function finish(platform: Platform, { id, queueId, tokenHash }: OpenToken): Promise<void> {
  await completeToken(platform, queueId, tokenHash);
  // A reserve that was let in just before may have come after the payment's own look at the token's holds.
  await releaseHoldsOfToken(platform, tokenHash);
  await sql(forkOf(platform), 'update payment set token_completed_at = clock_timestamp() where id = $1', [id]);
}
