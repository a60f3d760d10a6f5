import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Webhook } from 'standardwebhooks';
import * as z from 'zod/mini';
import { raiseAlert } from '../alerts/raise-alert.ts';
import { clientAddress } from '../api/client-address.ts';
import { CallerError, ERRORS } from '../api/problems.ts';
import { countAnonymous } from '../api/rate-limits.ts';
import { isUnavailable } from '../platform/faults.ts';
import { forkOf, type Platform } from '../platform/platform.ts';
import { PendingCharge } from './pending-charge.ts';
import { type Notice, type Settled, settleCharge } from './settle-charge.ts';

export const CHARGES_PATH = '/webhooks/charges';

const MAX_BODY_BYTES = 16 * 1024;

const name = (most: number) => z.string().check(z.regex(new RegExp(`^[\\x21-\\x7e]{1,${most}}$`)));

const MESSAGE = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('charge.completed'),
    data: z.object({
      reference: name(100),
      paymentId: name(200),
      /** In minor units. */
      amount: z.int(),
      currency: z.string().check(z.regex(/^[A-Z]{3}$/)),
    }),
  }),
  z.object({ type: z.literal('charge.failed'), data: z.object({ reference: name(100) }) }),
]);

/** What is wrong with money that a notice tells of, for the alert and the log. */
const AMISS: Partial<Record<Settled, string>> = {
  WRONG_AMOUNT: 'was not applied: another amount or currency came than was asked for',
  PAID_TWICE: 'was not applied: it was completed by another payment before',
  PAYMENT_USED: 'was not applied: the payment has completed another charge before',
  ACCOUNT_DELETED: 'was applied, but came for a deleted account, and has to be given back',
};

/**
 * Takes the payment provider's webhooks, signed as Standard Webhooks say by one of the secrets of CHARGE_WEBHOOK_SECRET; there
 * is no such route where it is unset. Answers 200 for what was done, also if it was done before or cannot be applied, which
 * operators are alerted to, as they are to money for a deleted account; 401 for what is not signed by the provider now, and
 * 429 for more of it than the rate of its address; 400 for what cannot be read; 404 for an unknown reference; 503 when the
 * outcome is unknown: the provider sends it again then.
 */
export async function serveChargeWebhook(http: FastifyInstance, platform: Platform): Promise<void> {
  const verifiers = platform.config.CHARGE_WEBHOOK_SECRET?.map((secret) => new Webhook(secret));
  if (!verifiers) return;
  await http.register(async (scope) => {
    // The signature is of the text as it came.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: MAX_BODY_BYTES }, (_request, body, done) =>
      done(null, body),
    );
    scope.post(CHARGES_PATH, (request, reply) => answer(platform, verifiers, request, reply));
  });
}

async function answer(
  platform: Platform,
  verifiers: readonly Webhook[],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { id: requestId } = request;
  const text = typeof request.body === 'string' ? request.body : '';
  const fault = faultOf(verifiers, text, request.headers as Record<string, string>);
  if (fault !== undefined) return refuseUnsigned(platform, request, reply, fault);
  const message = readMessage(text);
  if ('unreadable' in message) {
    alert(platform, requestId, { sentence: 'A signed notice cannot be read', subject: 'unreadable' }, message);
    return refuse(reply, 400, 'BAD_USER_INPUT', 'The notice is signed but is not of the documented form.');
  }
  if (message.type === 'OTHER') return reply.send({ status: 'IGNORED' });
  try {
    const { reference } = message.data;
    const charge = await forkOf(platform).findOne(PendingCharge, { reference }, { disableIdentityMap: true });
    if (!charge) {
      alert(platform, requestId, { sentence: 'A notice names an unknown charge', subject: 'unknown' }, message);
      return refuse(reply, 404, 'NOT_FOUND', 'There is no charge of this reference.');
    }
    const caller = { platform, requestId, isOver: () => reply.raw.destroyed };
    const settled = await settleCharge(caller, charge, noticeOf(message));
    const amiss = AMISS[settled];
    if (amiss) {
      const sentence = `Money for charge ${charge.id} ${amiss}`;
      alert(platform, requestId, { sentence, subject: charge.id }, message);
    }
    platform.log.info({ requestId, charge: charge.id, settled }, 'a notice of the payment provider was taken');
    return reply.send({ status: settled });
  } catch (error) {
    if (!isUnavailable(error) && !(error instanceof CallerError)) throw error;
    return refuse(reply, 503, 'SERVICE_UNAVAILABLE', ERRORS.SERVICE_UNAVAILABLE);
  }
}

/** Refuses a message that is not the provider's; beyond the rate of its address without a line in the log. */
async function refuseUnsigned(
  platform: Platform,
  request: FastifyRequest,
  reply: FastifyReply,
  fault: string,
): Promise<FastifyReply> {
  try {
    await countAnonymous(platform, clientAddress(platform, request));
  } catch (error) {
    if (!(error instanceof CallerError)) throw error;
    const { retryAfterMs } = error.extensions;
    return refuse(reply, 429, 'RATE_LIMITED', error.message, { retryAfterMs });
  }
  platform.log.warn({ requestId: request.id, why: fault }, 'a webhook of charges was refused');
  return refuse(reply, 401, 'UNAUTHENTICATED', `The webhook is not signed by the payment provider now: ${fault}.`);
}

/** Why a message is not taken for the provider's; undefined for one that a secret has signed within five minutes. */
function faultOf(
  verifiers: readonly Webhook[],
  text: string,
  headers: Readonly<Record<string, string>>,
): string | undefined {
  let fault = '';
  for (const verifier of verifiers) {
    try {
      verifier.verify(text, headers, { jsonParse: false });
      return undefined;
    } catch (error) {
      fault = (error as Error).message;
    }
  }
  return fault;
}

type Message = z.infer<typeof MESSAGE>;

/** Reads a signed message. @returns the type OTHER for one that is not about charges; why it cannot be read */
function readMessage(text: string): Message | { readonly type: 'OTHER' } | { readonly unreadable: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return { unreadable: 'it is no JSON' };
  }
  const { data, error } = MESSAGE.safeParse(parsed);
  if (data) return data;
  const type: unknown = (parsed as { type?: unknown } | null)?.type;
  return typeof type === 'string' && !type.startsWith('charge.')
    ? { type: 'OTHER' }
    : { unreadable: z.prettifyError(error) };
}

function noticeOf({ type, data }: Message): Notice {
  return type === 'charge.failed' ? { outcome: 'failed' } : { outcome: 'completed', ...data };
}

/** Alerts operators. @param notice goes into the log alone */
function alert(
  platform: Platform,
  requestId: string,
  { sentence, subject }: { readonly sentence: string; readonly subject: string },
  notice: object,
): void {
  platform.log.error({ requestId, notice }, sentence);
  raiseAlert(platform, 'CHARGE_NOT_APPLIED', `${sentence}. The log has the notice.`, { subject, requestId });
}

function refuse(reply: FastifyReply, status: number, code: string, message: string, more: object = {}): FastifyReply {
  return reply.code(status).send({ errors: [{ message, extensions: { code, ...more } }] });
}
