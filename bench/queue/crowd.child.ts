import { setTimeout as sleep } from 'node:timers/promises';
import { serveParent } from '../load/child.ts';
import type { RawSocket } from '../load/raw-socket.ts';
import { type Listener, subscribe } from '../load/subscribe.ts';

/** Subscribes everybody, in turn at each of the processes; */
export interface Gathering {
  readonly type: 'gather';
  readonly urls: readonly string[];
  readonly localAddress: string;
  readonly query: string;
  readonly listeners: readonly Listener[];
}

/** begins to measure; or ends it and tells what was heard. */
export interface Marking {
  readonly type: 'begin' | 'tell';
}

/** What the subscribers of one process heard between the two. */
export interface Heard {
  readonly messages: number;
  /** Longest that somebody who was waiting heard nothing, in milliseconds. */
  readonly longestSilence: number;
  /** For each who was let in: from the tick that did it to hearing of it, in milliseconds. */
  readonly turns: number[];
  /** Sockets that were closed. */
  readonly lost: number;
  /** Openings that did not succeed at first. */
  readonly retries: number;
}

const OPENING_AT_ONCE = 100;
const MAX_TRIES = 5;
const ACTIVATED = /"activatedAt":"([^"]+)"/;

let messages = 0;
let longestSilence = 0;
let lost = 0;
let retries = 0;
let turns: number[] = [];
/** When each who still waits heard last. */
const heardAt = new Map<number, number>();
const sockets: RawSocket[] = [];

function note(index: number, message: Buffer): void {
  const now = Date.now();
  messages += 1;
  const last = heardAt.get(index);
  if (last === undefined) return;
  longestSilence = Math.max(longestSilence, now - last);
  heardAt.set(index, now);
  if (message.includes('"WAITING"')) return;
  heardAt.delete(index);
  const activatedAt = ACTIVATED.exec(message.toString())?.[1];
  if (activatedAt) turns.push(now - Date.parse(activatedAt));
}

async function gather({ urls, localAddress, query, listeners }: Gathering): Promise<void> {
  let next = 0;
  const gatherSome = async (): Promise<void> => {
    for (let index = next++; index < listeners.length; index = next++) {
      const at = index;
      heardAt.set(at, Date.now());
      const onClose = (): void => {
        lost += 1;
      };
      const to = { url: urls[at % urls.length] as string, localAddress, query, onClose };
      sockets.push(
        await patiently(() => subscribe({ ...to, onNext: (message) => note(at, message) }, listeners[at] as Listener)),
      );
    }
  };
  await Promise.all(Array.from({ length: OPENING_AT_ONCE }, gatherSome));
}

/** As a client does it: who is turned away, or cut off in the rush, asks again. */
async function patiently(open: () => Promise<RawSocket>): Promise<RawSocket> {
  for (let tries = 1; ; tries++) {
    try {
      return await open();
    } catch (error) {
      if (tries >= MAX_TRIES) throw error;
      retries += 1;
      await sleep(1_000 * tries);
    }
  }
}

function begin(): void {
  [messages, longestSilence, lost, turns] = [0, 0, 0, []];
  const now = Date.now();
  for (const index of heardAt.keys()) heardAt.set(index, now);
}

function tell(): Heard {
  const now = Date.now();
  for (const last of heardAt.values()) longestSilence = Math.max(longestSilence, now - last);
  return { messages, longestSilence, turns, lost, retries };
}

serveParent(async (message: Gathering | Marking) => {
  if (message.type === 'gather') return gather(message);
  return message.type === 'begin' ? begin() : tell();
});
