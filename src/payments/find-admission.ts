import type { Context, Pass } from '../api/context.ts';
import { queueIdOf } from '../queue/queue-token.ts';
import { findPass, tokenRequired } from '../queue/require-pass.ts';

/** What the payer's queue token opens; looked up before the transaction, used at its place in it. */
export interface Admission {
  /** Of the token that was sent, whichever queue it belongs to. */
  readonly pass: Pass | null;
  /** What Redis threw when it was asked for the pass. */
  readonly fault?: unknown;
}

/** The admission that the request's queue token gives. Never throws. */
export async function findAdmission(context: Context): Promise<Admission> {
  const queueId = queueIdOf(context.queueToken ?? '');
  if (queueId === undefined) return { pass: null };
  try {
    return { pass: (await findPass(context, queueId)) ?? null };
  } catch (fault) {
    return { pass: null, fault };
  }
}

/**
 * The pass for a concert behind `queueId`, or null where no queue stands in front.
 * @throws what stands against it: QUEUE_TOKEN_REQUIRED, or the fault of a Redis that is away
 */
export async function requireAdmission(
  context: Context,
  queueId: string | null,
  { pass, fault }: Admission,
): Promise<Pass | null> {
  if (queueId === null) return null;
  if (fault) throw fault;
  if (pass?.queueId !== queueId) throw await tokenRequired(context.platform, queueId);
  return pass;
}
