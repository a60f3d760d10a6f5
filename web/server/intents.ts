const PREFIX = 'onsale.intent.';

interface Kept {
  readonly key: string;
  readonly input: string;
}

/**
 * The idempotency key of something that the user wants done, such as the payment of a reservation. It is made once and kept
 * in this tab, so that a second click and a reload send the same one; for other input it is another one.
 * @param intent names what is wanted
 * @param input what is sent with the key
 */
export function keyOf(intent: string, input: object): string {
  const asked = JSON.stringify(input);
  const text = sessionStorage.getItem(PREFIX + intent);
  const kept = text === null ? undefined : (JSON.parse(text) as Kept);
  if (kept?.input === asked) return kept.key;
  // Unlike crypto.randomUUID this is there without TLS too, as on a phone that opens the pages of a computer beside it.
  const key = crypto.getRandomValues(new Uint32Array(4)).join('-');
  sessionStorage.setItem(PREFIX + intent, JSON.stringify({ key, input: asked } satisfies Kept));
  return key;
}

/** Forgets the key once the server has answered, with a refusal too: what is wanted next is something new. */
export function settle(intent: string): void {
  sessionStorage.removeItem(PREFIX + intent);
}
