import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type Platform, perProcess } from './platform.ts';
import { longestWaitMs } from './postgres.ts';

/** Milliseconds between two samples, and between two measurements of the event loop. */
const SAMPLE_MS = 100;
const RESOLUTION_MS = 10;

/** Samples in a row after which a process is busy, or no longer: one pause for collecting garbage is no pressure. */
const TO_BUSY = 3;
const TO_CALM = 5;

const NS_PER_MS = 1e6;

/**
 * Whether this process is so busy that answers begin to be late: for some tenths of a second its event loop, or work that
 * waits for a connection of the pool, has been more than BUSY_MS late. It is a look at what was sampled: it costs nothing.
 */
export function isBusy(platform: Platform): boolean {
  return pressures(platform).isBusy;
}

const pressures = perProcess((platform) => new Pressure(platform));

class Pressure {
  isBusy = false;
  readonly #platform: Platform;
  readonly #delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  /** Samples in a row that say other than `isBusy`. */
  #against = 0;

  constructor(platform: Platform) {
    this.#platform = platform;
    if (platform.config.BUSY_MS === 0) return;
    this.#delays.enable();
    const sampling = setInterval(() => this.#sample(), SAMPLE_MS).unref();
    platform.closing.push(() => {
      clearInterval(sampling);
      this.#delays.disable();
    });
  }

  #sample(): void {
    const { config, orm, log } = this.#platform;
    const loopMs = this.#delays.count === 0 ? 0 : Math.round(this.#delays.mean / NS_PER_MS - RESOLUTION_MS);
    this.#delays.reset();
    const poolMs = Math.round(longestWaitMs(orm));
    const isLate = Math.max(loopMs, poolMs) > config.BUSY_MS;
    this.#against = isLate === this.isBusy ? 0 : this.#against + 1;
    if (this.#against < (isLate ? TO_BUSY : TO_CALM)) return;
    this.isBusy = isLate;
    this.#against = 0;
    if (isLate) log.warn({ loopMs, poolMs }, 'this process is busy: who is not signed in is asked to come back later');
    else log.info('this process is no longer busy');
  }
}
