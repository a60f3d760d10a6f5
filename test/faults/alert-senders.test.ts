import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { becomes, dueIn, keepEarlyClaims, makeChannel, makeDue, readAlert, schedule } from '../support/alerts.ts';
import { eventually } from '../support/builders.ts';
import { Receiver } from '../support/receiver.ts';
import { World } from '../support/world.ts';

let receiver: Receiver;
beforeAll(async () => {
  receiver = await Receiver.open();
});
afterAll(() => receiver.close());

/** A world of its own for a scenario. */
async function inWorld<T>(
  processes: number,
  preload: string | undefined,
  work: (world: World) => Promise<T>,
): Promise<T> {
  const world = await World.open({ processes, env: receiver.env, ...(preload && { preload }) });
  try {
    return await work(world);
  } finally {
    await world.close();
  }
}

/** What came of alerts that two processes were about to send. */
interface Race {
  /** Claims of what another process had claimed and was still sending. */
  readonly early: number;
  readonly attempts: number;
  readonly heard: number;
}

/** Schedules four alerts, one after another, while two processes take a long time over each claim. */
function raceFor(path: string, preload: string): Promise<Race> {
  return inWorld(2, preload, async (world) => {
    await keepEarlyClaims(world.pool);
    const operator = await world.operator();
    const channel = await makeChannel(operator, receiver.url(path));
    for (let round = 0; round < 4; round++) {
      const { id } = await schedule(operator, channel);
      // An attempt that a busy machine held up for longer than it may take is made again when its lease ends.
      await becomes(operator, id, { status: 'SENT' }, 60_000);
    }
    const { rows } = await world.pool.query<Race>(
      `select (select count(*)::int from early_claim) as early,
      (select sum(attempts)::int from alert) as attempts, $1::int as heard`,
      [receiver.at(path).length],
    );
    return rows[0] as Race;
  });
}

describe('two processes that see the same alert due at the same time', () => {
  it('send it once', async () => {
    const { early, attempts, heard } = await raceFor('/race', './slow-claims.ts');
    expect(early).toBe(0);
    // More than four where a machine was so busy that an answer did not come in time: then it is sent again, as promised.
    expect(heard).toBeLessThanOrEqual(attempts);
    expect(heard).toBeGreaterThanOrEqual(4);
  }, 300_000);

  it('without the row lock both send it: the test of the guard can fail', async () => {
    const { early, heard } = await raceFor('/twin', './slow-claims-without-lock.ts');
    expect(early).toBeGreaterThan(0);
    expect(heard).toBeGreaterThan(4);
  }, 300_000);
});

it('a process killed while it sends leaves the alert to others, after the lease and not before', async () => {
  receiver.answer('/held', () => undefined);
  await inWorld(1, undefined, async (world) => {
    const [doomed] = world.processes;
    const first = await world.operator();
    const { id } = await schedule(first, await makeChannel(first, receiver.url('/held')));
    await eventually(() => receiver.at('/held').length === 1);
    await doomed?.stop('SIGKILL');
    const operator = first.at((await world.startProcess()).url);
    const other = await schedule(operator, await makeChannel(operator, receiver.url('/other')));
    await becomes(operator, other.id, { status: 'SENT' });
    expect(await readAlert(operator, id)).toMatchObject({ status: 'SCHEDULED', attempts: 1, lastError: null });
    const lease = await dueIn(world.pool, id);
    expect(lease).toBeGreaterThan(0);
    expect(lease).toBeLessThanOrEqual(20);
    expect(receiver.at('/held')).toHaveLength(1);
    receiver.answer('/held', (response) => response.end());
    await makeDue(world.pool, id);
    await becomes(operator, id, { status: 'SENT', attempts: 2, lastError: null });
    expect(receiver.at('/held').map(({ headers }) => headers['idempotency-key'])).toEqual([id, id]);
  });
});

it('an alert whose last attempt was interrupted is FAILED and not sent again', async () => {
  await inWorld(1, undefined, async (world) => {
    const operator = await world.operator();
    const sendAt = new Date(Date.now() + 3_600_000);
    const { id } = await schedule(operator, await makeChannel(operator, receiver.url('/fifth')), { sendAt });
    await world.pool.query('update alert set attempts = 5, due_at = clock_timestamp() where id = $1', [id]);
    await becomes(operator, id, { status: 'FAILED', attempts: 5, lastError: 'INTERRUPTED' });
    expect(receiver.at('/fifth')).toEqual([]);
  });
});

it('a process that stood still after it claimed an alert does not send it any more', async () => {
  await inWorld(1, './stall-after-claim.ts', async (world) => {
    const stalled = await world.operator();
    const { id } = await schedule(stalled, await makeChannel(stalled, receiver.url('/stalled')));
    await becomes(stalled, id, { attempts: 1, status: 'SCHEDULED' });
    await world.processes[0]?.stop();
    expect(receiver.at('/stalled')).toEqual([]);
    const awake = await world.startProcess({}, './slow-claims.ts');
    const operator = stalled.at(awake.url);
    await makeDue(world.pool, id);
    await becomes(operator, id, { status: 'SENT', attempts: 2 });
    expect(receiver.at('/stalled')).toHaveLength(1);
  });
});

it('who was overtaken does not write what came of it over what came of the later attempt', async () => {
  let letGo: (() => void) | undefined;
  receiver.answer('/overtaken', (response) => {
    letGo = () => response.writeHead(500).end();
  });
  await inWorld(1, undefined, async (world) => {
    const operator = await world.operator();
    const { id } = await schedule(operator, await makeChannel(operator, receiver.url('/overtaken')));
    await eventually(() => letGo !== undefined);
    await world.pool.query(`update alert set attempts = 2, status = 'SENT' where id = $1`, [id]);
    letGo?.();
    const next = await schedule(operator, await makeChannel(operator, receiver.url('/next')));
    await becomes(operator, next.id, { status: 'SENT' });
    expect(await readAlert(operator, id)).toMatchObject({ status: 'SENT', attempts: 2, lastError: null });
  });
});
