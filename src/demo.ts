import { createConcert } from './concerts/create-concert.ts';
import { createShow } from './concerts/create-show.ts';
import { makeContext } from './context.ts';
import { forkOf, type Platform } from './platform/platform.ts';
import { withAdvisoryLock } from './platform/postgres.ts';
import { keepSetting, readSetting } from './platform/settings.ts';
import { HOUR } from './platform/units.ts';
import { createQueue } from './queue/create-queue.ts';

/** Ids of the demo data. */
export interface Demo {
  readonly queueId: string;
  readonly queuedConcertId: string;
  readonly openConcertId: string;
}

const DAY = 24 * HOUR;
const PRICE = 80_000;

/**
 * Two concerts to try things on, made once: one behind a queue of capacity 2, so that waiting can be seen, and one
 * without; three dates each, 50 seats a date.
 */
export function seedDemo(platform: Platform): Promise<Demo> {
  return withAdvisoryLock(forkOf(platform), 'demo', async () => {
    const made = await readSetting<Demo>(forkOf(platform), 'demo');
    if (made) return made;
    const demo = await makeDemo(platform);
    return keepSetting(forkOf(platform), 'demo', () => demo);
  });
}

async function makeDemo(platform: Platform): Promise<Demo> {
  const context = makeContext(platform, null, undefined);
  const queue = await createQueue(context, {
    name: 'Demo: the gate',
    capacity: 2,
    activeSeconds: 120,
    maxWaiting: 110_000,
    reenter: false,
    awaySeconds: 180,
  });
  const queued = await createConcert(context, {
    title: 'Midnight Parade (behind a queue)',
    description: 'Two people at a time are let in: enter the queue and see your place.',
    queueId: queue.id,
  });
  const open = await createConcert(context, { title: 'Open Air (no queue)', description: 'Walk right in.' });
  const noon = Math.floor(Date.now() / DAY) * DAY + 10 * HOUR;
  for (const concertId of [queued.id, open.id]) {
    for (const days of [30, 31, 32]) {
      await createShow(context, {
        concertId,
        subtitle: '',
        venue: 'Olympic Hall',
        startsAt: new Date(noon + days * DAY),
        durationMinutes: 120,
        salesOpenAt: new Date(Date.now() - HOUR),
        salesCloseAt: new Date(noon + days * DAY),
        price: PRICE,
        seatCount: 50,
        seatsPerRow: 10,
      });
    }
  }
  return { queueId: queue.id, queuedConcertId: queued.id, openConcertId: open.id };
}
