import { useSyncExternalStore } from 'react';

/** Smaller differences are the way of the answer. */
const MIN_DIFFERENCE_MS = 2_000;

/** The header has whole seconds: on average so much of the next one is over. */
const HALF_SECOND_MS = 500;

/** How far the server's clock is ahead of this device's, in milliseconds. */
let ahead = 0;

/** Learns the server's time from the header `date` of an answer. */
export function noteServerTime(date: string | null): void {
  const difference = Date.parse(date ?? '') + HALF_SECOND_MS - Date.now();
  if (Number.isFinite(difference)) ahead = Math.abs(difference) < MIN_DIFFERENCE_MS ? 0 : difference;
}

/** The time now as the server has it, in milliseconds since 1970: what ends at an instant ends by that clock. */
export function now(): number {
  return Date.now() + ahead;
}

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let second = now();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  second = now();
  timer ??= setInterval(() => {
    second = now();
    for (const each of listeners) each();
  }, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The time now, told once a second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => second);
}

/** Seconds until an instant, told once a second; 0 once it is over. */
export function useSecondsUntil(instant: string): number {
  return Math.max(0, Math.ceil((Date.parse(instant) - useNow()) / 1_000));
}
