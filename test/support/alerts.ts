import type pg from 'pg';
import { eventually } from './builders.ts';
import type { Buyer, Data } from './client.ts';
import type { Receiver } from './receiver.ts';
import type { World } from './world.ts';

export const ALERT = 'id text status sendAt attempts lastError channel { id name kind }';
export const REGISTER = `mutation ($input: RegisterAlertChannelInput!) { registerAlertChannel(input: $input) {
  id name kind } }`;
export const SCHEDULE = `mutation ($input: ScheduleAlertInput!) { scheduleAlert(input: $input) { ${ALERT} } }`;

/** A webhook; `input` overrides. @returns its id */
export async function makeChannel(operator: Buyer, url: string, input: object = {}): Promise<string> {
  const channel = { name: 'a channel', kind: 'WEBHOOK', url, ...input };
  return (await operator.get(REGISTER, { input: channel })).registerAlertChannel.id;
}

/** Answers the Alert. */
export async function schedule(operator: Buyer, channelId: string, input: object = {}): Promise<Data> {
  return (await operator.get(SCHEDULE, { input: { channelId, text: 'a text', ...input } })).scheduleAlert;
}

/** Answers the Alert as it is now. */
export async function readAlert(operator: Buyer, id: string): Promise<Data> {
  const { alerts } = await operator.get(`{ alerts(first: 100) { edges { node { ${ALERT} } } } }`);
  return alerts.edges.map(({ node }: Data) => node).find((alert: Data) => alert.id === id);
}

/** Waits until the alert is as wanted, and answers it. */
export async function becomes(operator: Buyer, id: string, wanted: Data, withinMs = 30_000): Promise<Data> {
  let alert: Data;
  await eventually(async () => {
    alert = await readAlert(operator, id);
    return Object.entries(wanted).every(([field, value]) => alert[field] === value);
  }, withinMs);
  return alert;
}

/** Seconds until the next attempt may begin; less than 0 where it is overdue. */
export async function dueIn(pool: pg.Pool, id: string): Promise<number> {
  const { rows } = await pool.query<{ seconds: number }>(
    'select extract(epoch from due_at - clock_timestamp())::float8 as seconds from alert where id = $1',
    [id],
  );
  return rows[0]?.seconds ?? Number.NaN;
}

/** Lets the wait, or the lease, of an alert be over. */
export async function makeDue(pool: pg.Pool, id: string): Promise<void> {
  await pool.query('update alert set due_at = clock_timestamp() where id = $1', [id]);
}

/** Takes away why an alert was not sent, so that the next reason can be told from it. */
export async function forgetError(pool: pg.Pool, id: string): Promise<void> {
  await pool.query('update alert set last_error = null where id = $1', [id]);
}

/**
 * From now on keeps which alerts were claimed while the lease of another claim still ran, in the table `early_claim`. A
 * claim is told by its new lease: two that read the same row write the same number of attempts.
 */
export async function keepEarlyClaims(pool: pg.Pool): Promise<void> {
  await pool.query(`
    create table early_claim (id uuid);
    create function keep_early_claim() returns trigger language plpgsql as $$
    begin
      insert into early_claim values (new.id);
      return new;
    end $$;
    create trigger keep_early_claim before update on alert for each row
      when (new.due_at <> old.due_at and new.last_error is not distinct from old.last_error
        and old.attempts > 0 and old.due_at > clock_timestamp())
      execute function keep_early_claim()`);
}

/** Texts of the built-in alerts of a kind that came to a path of the receiver. */
export function raisedAt(receiver: Receiver, path: string, kind: string): string[] {
  const texts = receiver.at(path).map(({ body }) => String(body.text));
  return texts.filter((text) => text.startsWith(`${kind}: `));
}

/** Waits for a built-in alert of a kind at a path, and answers its text. */
export async function awaitRaised(receiver: Receiver, path: string, kind: string): Promise<string> {
  await eventually(() => raisedAt(receiver, path, kind).length > 0, 60_000);
  return raisedAt(receiver, path, kind)[0] as string;
}

/** How often alerts whose names begin so came up since they were raised. */
export async function heldOf({ redis }: World, name: string): Promise<number> {
  const keys = await redis.keys(`onsale:alert:{${name}*}:held`);
  const counts = await Promise.all(keys.map((key) => redis.get(key)));
  return counts.reduce((sum, count) => sum + Number(count), 0);
}

/** Lets the minute be over in which alerts whose names begin so are raised once. */
export async function ageRaised({ redis, pool }: World, name: string): Promise<void> {
  await pool.query(`update raised_alert set raised_at = raised_at - interval '1 day' where name like $1 || '%'`, [
    name,
  ]);
  for (const key of await redis.keys(`onsale:alert:{${name}*}`)) await redis.del(key);
}

/** Lets the time in which alerts of the name are raised once end in `ms`. */
export async function endRaisedIn({ redis, pool }: World, name: string, ms: number): Promise<void> {
  await pool.query(`update raised_alert set raised_at = raised_at - interval '1 day' where name = $1`, [name]);
  await redis.pexpire(`onsale:alert:{${name}}`, ms);
}

/** How often an alert says that it came up. */
export function timesIn(text: string): number {
  return Number(/^(\d+) times since the last alert\.$/m.exec(text)?.[1] ?? 1);
}
