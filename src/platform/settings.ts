import type { EntityManager } from '@mikro-orm/core';
import { sql, sqlRow } from './postgres.ts';

/** The kept value of `name`. Where there is none, keeps `make()`; every process gets the same value. */
export async function keepSetting<T>(em: EntityManager, name: string, make: () => T): Promise<T> {
  const kept = await readSetting<T>(em, name);
  if (kept !== undefined) return kept;
  const row = await sqlRow<{ value: T }>(
    em,
    `insert into setting (name, value) values ($1, $2::jsonb)
     on conflict (name) do update set value = setting.value returning value`,
    [name, JSON.stringify(make())],
  );
  return row.value;
}

/** The kept value of `name`, or undefined. */
export async function readSetting<T>(em: EntityManager, name: string): Promise<T | undefined> {
  const [row] = await sql<{ value: T }>(em, 'select value from setting where name = $1', [name]);
  return row?.value;
}
