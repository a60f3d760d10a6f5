import { openLog } from '../../src/platform/log.ts';
import { loadScript } from '../../src/platform/lua.ts';
import type { Platform } from '../../src/platform/platform.ts';
import type { Invalidation, QueueMessage, RawMessage } from '../../src/queue/line/line.ts';
import type { RawView } from '../../src/queue/queue-token.ts';
import { type Missed, QueueReplica } from '../../src/queue/replica/queue-replica.ts';

const LINE = new URL('../../src/queue/line/line.ts', import.meta.url).href;
const SNAPSHOT = loadScript(LINE, 'snapshot').name;
const READ_TOKENS = loadScript(LINE, 'read-tokens').name;

/** A message of a queue with nobody in it; `parts` override. */
export function messageOf(parts: Partial<QueueMessage>): QueueMessage {
  return {
    ...{ epoch: 'one', seq: 1, at: 1_000, resync: false, state: 'OPEN', openAt: 0, awayMs: 180_000, settings: 1 },
    ...{ heads: { 0: 0 }, tails: { 0: 0 }, departed: {}, changed: [] },
    ...{ waiting: 0, active: 0, entered: 0, admitted: 0, completed: 0, expired: 0, left: 0 },
    ...{ admittedPerMinute: 0, msPerPlace: 0, etaErrorMs: -1 },
    ...parts,
  };
}

/** What a script answers about a token that waits under `number` at `position`, asked at `at`. */
export function waitingView(number: number, position: number, at: number): RawView {
  const place = [position, position, -1, at, 180_000, '', 180_000, -1, 1] as const;
  return ['a-secret-of-22-letters', 'a user', 'W', '0', number, 500, '', 0, '', ...place];
}

/** A Redis whose answers come when the test gives them, in the order that it wants. */
export class QueuePlatform {
  readonly platform: Platform;
  /** Questions not yet answered, oldest first. */
  readonly snapshots: ((message: QueueMessage) => void)[] = [];
  readonly looks: ((views: (RawView | null)[]) => void)[] = [];
  readonly #listeners = new Set<(raw: RawMessage) => void>();
  readonly #gaps = new Set<() => void>();

  constructor() {
    const messages = {
      listen: async (_channel: unknown, listener: (raw: RawMessage) => void) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      onGap: (listener: () => void) => {
        this.#gaps.add(listener);
        return () => this.#gaps.delete(listener);
      },
    };
    const redis = {
      defineCommand: (name: string) => Object.assign(redis, { [name]: () => this.#ask(name) }),
    };
    this.platform = { redis, messages, log: openLog('silent'), closing: [] } as unknown as Platform;
  }

  publish(message: QueueMessage | Invalidation): void {
    for (const listener of this.#listeners) listener(message as unknown as RawMessage);
  }

  /** The connection was lost, and is back. */
  comeBack(): void {
    for (const listener of this.#gaps) listener();
  }

  /** Answers the oldest question for the whole queue, once it is asked. */
  async giveSnapshot(message: QueueMessage): Promise<void> {
    (await this.#next(this.snapshots))(message);
    await turn();
  }

  /** Answers the oldest question for a token, once it is asked. */
  async giveView(view: RawView | null): Promise<void> {
    (await this.#next(this.looks))([view]);
    await turn();
  }

  async #next<T>(questions: T[]): Promise<T> {
    for (let i = 0; i < 100 && questions.length === 0; i++) await turn();
    const question = questions.shift();
    if (!question) throw new Error('nothing was asked');
    return question;
  }

  #ask(script: string): Promise<unknown> {
    return new Promise((resolve) => {
      if (script === SNAPSHOT) this.snapshots.push((message) => resolve(JSON.stringify(message)));
      else if (script === READ_TOKENS) this.looks.push(resolve);
      else resolve(0);
    });
  }
}

/** A replica, and what it has told of so far. */
export interface ObservedReplica {
  readonly replica: QueueReplica;
  readonly messages: [seq: number, missed: Missed][];
  readonly invalidated: string[];
}

/** A replica that begins with the snapshot. */
export async function openReplica(redis: QueuePlatform, snapshot: QueueMessage): Promise<ObservedReplica> {
  const messages: ObservedReplica['messages'] = [];
  const invalidated: string[] = [];
  const replica = new QueueReplica(redis.platform, 'a queue', {
    onMessage: ({ seq }, missed) => messages.push([seq, missed]),
    onInvalidate: (tokenId) => invalidated.push(tokenId),
  });
  const opened = replica.open();
  await redis.giveSnapshot(snapshot);
  await opened;
  return { replica, messages, invalidated };
}

/** Lets everything happen that is about to. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
