import { useSyncExternalStore } from 'react';

const PROBE_MS = 3_000;

/** Whether the last request reached the server. */
let isOnline = navigator.onLine;
let probe: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

/** Notes that a request reached the server, or did not; while none does, asks every 3 s whether one would. */
export function noteConnection(reached: boolean): void {
  if (reached === isOnline) return;
  isOnline = reached;
  clearInterval(probe);
  if (!reached) probe = setInterval(ask, PROBE_MS);
  for (const listener of listeners) listener();
}

async function ask(): Promise<void> {
  const answer = await fetch('/health/live', { cache: 'no-store' }).catch(() => undefined);
  if (answer?.ok) noteConnection(true);
}

/** Whether the server is reached. */
export function useConnection(): boolean {
  return useSyncExternalStore(subscribe, () => isOnline);
}

/** Calls the listener whenever the connection is lost or regained. Returns how to stop. */
export function watchConnection(listener: (isOnline: boolean) => void): () => void {
  return subscribe(() => listener(isOnline));
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

addEventListener('offline', () => noteConnection(false));
addEventListener('online', () => void ask());
