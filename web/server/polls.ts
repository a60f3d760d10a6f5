/**
 * Options of a query that is asked again and again while the page is looked at. One that fails is not asked again before
 * its next turn.
 * @param milliseconds between two questions
 */
export function pollEvery(milliseconds: number): {
  readonly pollInterval: number;
  readonly skipPollAttempt: () => boolean;
  readonly context: { readonly isPoll: true };
} {
  return { pollInterval: milliseconds, skipPollAttempt: () => document.hidden, context: { isPoll: true } };
}
