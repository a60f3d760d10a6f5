import { mostConnections } from '../platform/connections.ts';
import { type Platform, perProcess } from '../platform/platform.ts';

/** A socket or a stream on which nobody is signed in. */
interface Guest {
  /** Null where there is no limit by address. */
  readonly address: string | null;
  /** Closes it. */
  leave(): void;
}

/**
 * Admits one more guest to this process. Beyond ANONYMOUS_SOCKETS_PER_ADDRESS of its address, or ANONYMOUS_SOCKETS in all,
 * the oldest leaves: whoever signs in does so at once, and a flood closes itself.
 * @returns a function that no longer counts it: it has ended, or somebody is signed in
 */
export function admitGuest(platform: Platform, guest: Guest): () => void {
  return guestsOf(platform).admit(guest);
}

const guestsOf = perProcess((platform) => new Guests(platform));

class Guests {
  readonly #most: number;
  readonly #mostOfAddress: number;
  /** The oldest first, as in the sets by address. */
  readonly #all = new Set<Guest>();
  readonly #byAddress = new Map<string, Set<Guest>>();

  constructor(platform: Platform) {
    const { ANONYMOUS_SOCKETS, ANONYMOUS_SOCKETS_PER_ADDRESS } = platform.config;
    // Half of the connections are left to those who are signed in.
    this.#most = Math.min(ANONYMOUS_SOCKETS, Math.floor(mostConnections(platform) / 2));
    this.#mostOfAddress = ANONYMOUS_SOCKETS_PER_ADDRESS;
  }

  admit(guest: Guest): () => void {
    this.#all.add(guest);
    const mates = this.#matesOf(guest).add(guest);
    if (mates.size > this.#mostOfAddress) this.#dismissOldest(mates);
    else if (this.#all.size > this.#most) this.#dismissOldest(this.#all);
    return () => this.#forget(guest);
  }

  /** The guests of its address; a set of its own where there is no limit by address. */
  #matesOf({ address }: Guest): Set<Guest> {
    const known = address === null ? undefined : this.#byAddress.get(address);
    if (known) return known;
    const mates = new Set<Guest>();
    if (address !== null) this.#byAddress.set(address, mates);
    return mates;
  }

  #dismissOldest(guests: Set<Guest>): void {
    const [oldest] = guests;
    if (!oldest) return;
    this.#forget(oldest);
    oldest.leave();
  }

  #forget(guest: Guest): void {
    this.#all.delete(guest);
    const mates = this.#matesOf(guest);
    mates.delete(guest);
    if (guest.address !== null && mates.size === 0) this.#byAddress.delete(guest.address);
  }
}
