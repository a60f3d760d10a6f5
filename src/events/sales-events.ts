import { Field, Int, ObjectType } from 'type-graphql';
import { notFound } from '../api/problems.ts';
import { isEventType } from '../commands/event-types.ts';
import { Show } from '../concerts/show.ts';
import { isUnavailable } from '../platform/faults.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import type { Topic } from '../platform/topics.ts';
import { SECOND } from '../platform/units.ts';
import type { Envelope } from './envelope.ts';
import { SalesEvent, toSalesEvent } from './sales-event.ts';
import { readStream } from './stream.ts';

@ObjectType({ description: 'Events since the last batch, in their order' })
export class SalesEventBatch {
  @Field(() => [SalesEvent], { description: 'The events, in their order' })
  events!: SalesEvent[];

  @Field(() => Int, {
    description: `How many events, of any show, this subscriber did not receive because it read too slowly or Redis was away. They are
in the stream of events, or in a list such as \`sales\``,
  })
  missed!: number;
}

/** A subscriber receives at most four batches a second, each of at most so many events. */
const EVERY_MS = SECOND / 4;
const MAX_EVENTS = 1_000;

/** Every event, for subscribers of no show in particular. */
export const ALL_SHOWS = '';

/** The events of a show by its id, or of all by ALL_SHOWS, from the subscription on. */
export const SALES_EVENTS_TOPIC: Topic<SalesEventBatch> = {
  name: 'salesEvents',
  first: 'nothing',
  check: async (platform, showId) => {
    if (showId === ALL_SHOWS) return;
    if (!(await forkOf(platform).findOne(Show, { id: showId }))) throw notFound('show');
  },
  open: (platform, showId, publish) =>
    tails(platform).listen((envelopes, missed) => {
      const wanted = envelopes.filter(
        ({ data }) => showId === ALL_SHOWS || (data as { showId?: unknown }).showId === showId,
      );
      if (wanted.length > 0 || missed > 0) publish(batchOf(wanted.map(toSalesEvent), missed));
    }),
  merge: (unread, newer) => {
    const events = [...unread.events, ...newer.events];
    const left = Math.max(0, events.length - MAX_EVENTS);
    return batchOf(events.slice(left), unread.missed + newer.missed + left);
  },
};

function batchOf(events: SalesEvent[], missed: number): SalesEventBatch {
  return Object.assign(new SalesEventBatch(), { events, missed });
}

type Listener = (events: readonly Envelope[], missed: number) => void;

const tails = perProcess((platform) => new StreamTail(platform));

/** A position in the stream. */
interface Position {
  readonly added: number;
  readonly last: string;
}

/** Reads the end of the stream, for all subscribers of this process together, as long as there are any. */
class StreamTail {
  readonly #platform: Platform;
  readonly #listeners = new Set<Listener>();
  #timer: NodeJS.Timeout | undefined;
  #position: Promise<Position> | undefined;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /**
   * Calls `listener` with the events from now on, and with the number of those that were lost between.
   * @returns a function that ends the calls
   * @throws what Redis throws while it is unreachable
   */
  async listen(listener: Listener): Promise<() => void> {
    this.#position ??= readStream(this.#platform, undefined, 0);
    try {
      await this.#position;
    } catch (error) {
      this.#position = undefined;
      throw error;
    }
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => void this.#read(), EVERY_MS);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
      this.#position = undefined;
    };
  }

  /** Never throws: an outage leaves the position as it is, for the next read. */
  async #read(): Promise<void> {
    const before = this.#position;
    if (!before) return;
    try {
      const from = await before;
      const { added, last, events } = await readStream(this.#platform, from.last, MAX_EVENTS);
      // Another read may have been quicker, and the last listener may have left.
      if (this.#position !== before) return;
      this.#position = Promise.resolve({ added, last });
      // A stream that was lost with its Redis counts from the beginning.
      const since = added >= from.added ? added - from.added : added;
      if (since === 0) return;
      const envelopes = events.flatMap(envelopesIn);
      for (const listener of this.#listeners) listener(envelopes, since - events.length);
    } catch (error) {
      const level = isUnavailable(error) ? 'debug' : 'error';
      this.#platform.log[level]({ err: error }, 'the stream of events could not be read');
    }
  }
}

/** The envelope in an entry; none in an entry of others, or of a version that has types which this one does not know. */
function envelopesIn(text: string): Envelope[] {
  try {
    const envelope = JSON.parse(text) as Envelope;
    return isEventType(envelope.type) ? [envelope] : [];
  } catch {
    return [];
  }
}
