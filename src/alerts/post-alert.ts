import type { Config } from '../config.ts';
import { postJson } from '../platform/outgoing.ts';
import type { Alert, AlertChannel } from './alert.ts';
import { sendEmail } from './send-email.ts';

/**
 * Posts or mails an alert to its channel once. Never throws.
 * @param channel with its URL loaded
 * @returns null when it was taken, else the reason, as `postJson` or `sendEmail` gives it
 */
export function postAlert(alert: Alert, channel: AlertChannel, config: Config): Promise<string | null> {
  if (channel.kind === 'EMAIL') return sendEmail(alert, channel.url, config);
  return postJson(channel.url, bodyOf(alert, channel), { 'idempotency-key': alert.id }, config);
}

function bodyOf({ id, text, sendAt }: Alert, { kind }: AlertChannel): string {
  return JSON.stringify(kind === 'SLACK' ? { text } : { id, text, sendAt: sendAt.toISOString() });
}
