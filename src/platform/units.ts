/** Milliseconds in a second, a minute, an hour: durations in code read `5 * MINUTE`. */
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
