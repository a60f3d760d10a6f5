import { LRUCache } from 'lru-cache';
import type { KnownDocument } from './documents.ts';

/**
 * Limits of the documents that a process keeps: their number, the characters of all their texts, and those of one text.
 * A parsed document takes about a hundred times the memory of its text.
 */
const MAX_DOCUMENTS = 1_000;
const MAX_CHARACTERS = 500_000;
const MAX_CHARACTERS_EACH = 16_000;

/** The part of both limits that new documents have; the rest is for those that proved to be asked for often. */
const NEW_PART = 1 / 5;

/** After so many look-ups all counts of uses are halved: what was asked for often long ago makes way. */
const USES_PER_AGE = 100_000;

interface Kept {
  readonly known: KnownDocument;
  readonly characters: number;
  uses: number;
}

/**
 * The documents that a process keeps, by the SHA-256 of their text. Whoever sends ever new documents, each once or twice,
 * pushes out only others that are as new: a document that is no longer among the newest stays when it was asked for more
 * often than the ones it takes the room of, so that nobody's own documents cost those that many ask for their room.
 */
export class DocumentCache {
  readonly #new: LRUCache<string, Kept>;
  readonly #often: LRUCache<string, Kept>;
  #lookups = 0;

  constructor() {
    const limits = (part: number) => ({
      max: MAX_DOCUMENTS * part,
      maxSize: MAX_CHARACTERS * part,
      sizeCalculation: ({ characters }: Kept) => characters,
    });
    this.#often = new LRUCache(limits(1 - NEW_PART));
    this.#new = new LRUCache({
      ...limits(NEW_PART),
      dispose: (kept, hash, reason) => {
        if (reason === 'evict') this.#settle(hash, kept);
      },
    });
  }

  get(hash: string): KnownDocument | undefined {
    const kept = this.#often.get(hash) ?? this.#new.get(hash);
    if (!kept) return undefined;
    kept.uses++;
    this.#lookups++;
    if (this.#lookups % USES_PER_AGE === 0) this.#age();
    return kept.known;
  }

  /** Keeps a document, unless its text is too long. */
  set(hash: string, known: KnownDocument): void {
    const characters = known.document.loc?.end || 1;
    if (characters <= MAX_CHARACTERS_EACH) this.#new.set(hash, { known, characters, uses: 1 });
  }

  delete(hash: string): boolean {
    return this.#often.delete(hash) || this.#new.delete(hash);
  }

  /** Keeps a document that is no longer among the newest, if it is asked for more often than what is in its place. */
  #settle(hash: string, kept: Kept): void {
    while (!this.#hasRoomFor(kept)) {
      const [[oldest, { uses }]] = this.#often.rentries() as unknown as [[string, Kept]];
      if (uses >= kept.uses) return;
      this.#often.delete(oldest);
    }
    this.#often.set(hash, kept);
  }

  #hasRoomFor({ characters }: Kept): boolean {
    const { size, max, calculatedSize, maxSize } = this.#often;
    return size < max && calculatedSize + characters <= maxSize;
  }

  #age(): void {
    for (const kept of [...this.#often.values(), ...this.#new.values()]) kept.uses = Math.ceil(kept.uses / 2);
  }
}
