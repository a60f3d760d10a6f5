import { createTransport } from 'nodemailer';
import type { Config } from '../config.ts';
import { isEmailAddress } from '../platform/mail-address.ts';
import { kindOf, POST_TIMEOUT_MS } from '../platform/outgoing.ts';
import type { Alert } from './alert.ts';

const SCHEME = 'mailto:';

/** Characters of the text's first line that the subject repeats. */
const MAX_SUBJECT = 80;

/**
 * Judges the URL of an EMAIL channel. @returns the URL, or the end of the sentence "url ..." that says what is wrong,
 * without any part of the URL: it is not mailto: with one address and nothing else, or SMTP_URL is unset
 */
export function judgeMailto(text: string, config: Config): { readonly url: string } | { readonly fault: string } {
  if (!config.SMTP_URL) return { fault: 'cannot be a mailto: URL while SMTP_URL is unset' };
  const isRight = text.toLowerCase().startsWith(SCHEME) && isEmailAddress(text.slice(SCHEME.length));
  return isRight ? { url: `${SCHEME}${text.slice(SCHEME.length)}` } : { fault: 'must be mailto: and one address' };
}

/**
 * Mails an alert once to a URL that `judgeMailto` has accepted, within POST_TIMEOUT_MS. The id of the message is that of
 * the alert. Never throws.
 * @returns null when the mail server took it; else the reason: `SMTP 550`, or the kind of error, such as `TIMEOUT`
 */
export async function sendEmail({ id, text }: Alert, url: string, config: Config): Promise<string | null> {
  const { SMTP_URL, SMTP_FROM } = config;
  if (!SMTP_URL) return 'NO_SMTP_URL';
  const domain = new URL(SMTP_URL).hostname;
  const signal = AbortSignal.timeout(POST_TIMEOUT_MS);
  // Files and URLs are never read into a message, whatever its text says.
  const transport = createTransport({ url: SMTP_URL, disableFileAccess: true, disableUrlAccess: true });
  try {
    await transport.sendMail({
      signal,
      from: SMTP_FROM ?? `onsale@${domain}`,
      to: { name: '', address: url.slice(SCHEME.length) },
      subject: subjectOf(text),
      messageId: `<${id}@${domain}>`,
      text,
    });
    return null;
  } catch (error) {
    if (signal.aborted) return 'TIMEOUT';
    const { responseCode } = error as { responseCode?: unknown };
    return typeof responseCode === 'number' ? `SMTP ${responseCode}` : kindOf(error);
  } finally {
    transport.close();
  }
}

/** The first line of the text, without characters that a header cannot have, cut short. */
function subjectOf(text: string): string {
  const [line = ''] = text.trim().split(/[\r\n\u0085\u2028\u2029]/);
  const shown = [...line.replace(/\p{Cc}/gu, ' ')];
  return `Onsale: ${shown.length > MAX_SUBJECT ? `${shown.slice(0, MAX_SUBJECT).join('')} ...` : shown.join('')}`;
}
