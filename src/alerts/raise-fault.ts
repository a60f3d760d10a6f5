import { codeOf } from '../platform/faults.ts';
import type { Platform } from '../platform/platform.ts';
import { type BuiltIn, raiseAlert } from './raise-alert.ts';

/** A line of a stack that stands in code of Onsale; what comes before `src/` depends on the machine. */
const OWN_PLACES = /^\s+at .*?\b((?:src|embedded|migrations)\/[\w./-]+:\d+):\d+\)?$/gm;

/**
 * Raises an alert about an error: by its name and the place in the code that it came from, which also tell one from
 * another. Its message is left to the log: it may quote what callers sent.
 * @param sentence what happened, without a full stop
 */
export function raiseFault(
  platform: Platform,
  kind: BuiltIn,
  sentence: string,
  error: unknown,
  requestId?: string,
): void {
  const what = faultOf(error);
  raiseAlert(platform, kind, `${sentence}: ${what}. The log has the error.`, { subject: what, requestId });
}

/** Name, code and place of an error, such as `TableNotFoundException (42P01) at src/shop/read-orders.ts:30`. */
export function faultOf(error: unknown): string {
  if (!(error instanceof Error)) return 'something that is no Error';
  const code = codeOf(error);
  const name = `${wordOf(error.name)}${code === undefined ? '' : ` (${wordOf(code)})`}`;
  const places = [...(error.stack ?? '').replace(error.message, '').matchAll(OWN_PLACES)].map(([, place]) => place);
  // Every statement and every script passes through the platform: whose it was tells more.
  const place = places.find((one) => !one?.startsWith('src/platform/')) ?? places[0];
  return place === undefined ? name : `${name} at ${place}`;
}

function wordOf(text: string): string {
  return text.replace(/\W/g, '').slice(0, 60);
}
