/**
 * The places of the user in queues, as this browser keeps them, so that a reload and a second tab show the place that there
 * is. They are in localStorage: the value of a token opens nothing without the access token of its owner.
 */
interface Kept {
  readonly value: string;
  /** The position that was seen first, from which progress is counted; null while it is not known. */
  readonly from: number | null;
}

const nameOf = (userId: string, queueId: string): string => `onsale.place.${userId}.${queueId}`;

export function keptPlace(userId: string, queueId: string): Kept | undefined {
  const text = localStorage.getItem(nameOf(userId, queueId));
  return text === null ? undefined : (JSON.parse(text) as Kept);
}

/** Keeps a place. @param position where it is now */
export function keepPlace(userId: string, queueId: string, value: string, position: number | null): void {
  const kept = keptPlace(userId, queueId);
  const before = kept?.value === value ? kept.from : null;
  const from = Math.max(before ?? 0, position ?? 0) || null;
  if (kept?.value === value && from === before) return;
  localStorage.setItem(nameOf(userId, queueId), JSON.stringify({ value, from } satisfies Kept));
}

export function forgetPlace(userId: string, queueId: string): void {
  localStorage.removeItem(nameOf(userId, queueId));
}

/** Calls the listener when another tab keeps another place in the queue. Returns how to stop. */
export function watchKept(userId: string, queueId: string, listener: () => void): () => void {
  const hear = ({ key }: StorageEvent): void => {
    if (key === nameOf(userId, queueId)) listener();
  };
  addEventListener('storage', hear);
  return () => removeEventListener('storage', hear);
}
