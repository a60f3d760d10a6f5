import type { EntityManager, EntityName, FindOptions } from '@mikro-orm/core';
import { ArgsType, type ClassType, Field, Int, ObjectType } from 'type-graphql';
import { parseId } from '../platform/ids.ts';
import { Cacheable } from './cacheable.ts';
import { type Batch, type Context, load } from './context.ts';
import { badInput } from './problems.ts';

const MAX_PER_PAGE = 100;

const DEFAULT_PER_PAGE = 20;

/** Which page of a list is wanted: every list of the schema takes these arguments. */
@ArgsType()
export class PageArgs {
  @Field(() => Int, {
    nullable: true,
    description:
      'How many rows at most, 1 .. 100, counted from the start of the list or from `after` on. Not together with `last`; 20 when both are left out',
  })
  first?: number | null;

  @Field(() => String, {
    nullable: true,
    description: 'A cursor of this list in this order: only rows behind that row',
  })
  after?: string | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'How many rows at most, 1 .. 100, counted back from the end of the list or from `before`; they come in the order of the list. Not together with `first`',
  })
  last?: number | null;

  @Field(() => String, {
    nullable: true,
    description: 'A cursor of this list in this order: only rows in front of that row',
  })
  before?: string | null;
}

@ObjectType({
  description: 'Where a page begins and ends, and whether the list goes on there, as Relay reads it',
})
export class PageInfo {
  @Cacheable()
  @Field(() => Boolean, {
    description:
      'Asked with `first`: whether more rows follow this page, up to `before` where that was given. Asked with `last`: true where `before` was given, because its row follows, else false',
  })
  hasNextPage!: boolean;

  @Cacheable()
  @Field(() => Boolean, {
    description:
      'Asked with `last`: whether more rows precede this page, down to `after` where that was given. Asked with `first`: true where `after` was given, because its row precedes, else false',
  })
  hasPreviousPage!: boolean;

  @Cacheable()
  @Field(() => String, {
    nullable: true,
    description: 'Cursor of the first row: `before` of the previous page. Null for a page without rows',
  })
  startCursor!: string | null;

  @Cacheable()
  @Field(() => String, {
    nullable: true,
    description: 'Cursor of the last row: `after` of the next page. Null for a page without rows',
  })
  endCursor!: string | null;
}

interface Edge<T> {
  readonly cursor: string;
  readonly node: T;
}

export interface Connection<T> {
  readonly edges: Edge<T>[];
  readonly pageInfo: PageInfo;
}

/** The GraphQL types `<Name>Edge` and `<Name>Connection` over `node`. */
export function connectionOf(name: string, node: ClassType): ClassType<Connection<unknown>> {
  @ObjectType(`${name}Edge`, { description: 'One row of a page' })
  class EdgeOf {
    @Cacheable()
    @Field(() => String, {
      description: 'Where the row stands: `after` or `before` of a page of this list in this order',
    })
    cursor!: string;

    @Cacheable()
    @Field(() => node, { description: 'The row itself' })
    node!: unknown;
  }

  @ObjectType(`${name}Connection`, {
    description: 'A page of a list. Rows that come or go neither repeat nor hide others',
  })
  class ConnectionOf {
    @Cacheable()
    @Field(() => [EdgeOf], { description: 'The rows, in the order of the list' })
    edges!: EdgeOf[];

    @Cacheable()
    @Field(() => PageInfo, { description: 'Where the page begins and ends' })
    pageInfo!: PageInfo;
  }
  return ConnectionOf;
}

/** A page of a list: of the rows between two keys, either of which may be missing, so many from the start or the end. */
export interface Page<K> {
  /** Name of the list, which its cursors carry. */
  readonly name: string;
  readonly from: 'start' | 'end';
  readonly size: number;
  readonly after: K | undefined;
  readonly before: K | undefined;
}

/**
 * Reads the arguments of a connection.
 * @param name of the list, with its order where it has several: a cursor of another one is refused
 * @param readKey returns undefined for text that cannot be a key of this list
 * @throws CallerError BAD_USER_INPUT for `first` and `last` together or outside 1..100, and for a cursor that is not one of
 * this list
 */
export function pageOf<K>(name: string, args: PageArgs, readKey: (text: string) => K | undefined): Page<K> {
  const isGiven = (value: unknown): boolean => value !== undefined && value !== null;
  if (isGiven(args.first) && isGiven(args.last)) throw badInput('last', 'must not be given together with first');
  const argument = isGiven(args.last) ? 'last' : 'first';
  const size = args[argument] ?? DEFAULT_PER_PAGE;
  if (size < 1 || size > MAX_PER_PAGE) throw badInput(argument, `must be from 1 to ${MAX_PER_PAGE}`);
  const keyOf = (side: 'after' | 'before'): K | undefined => {
    const cursor = args[side];
    if (cursor === undefined || cursor === null) return undefined;
    const text = Buffer.from(cursor, 'base64url')
      .toString()
      .slice(name.length + 1, -1);
    const key = cursorOf(name, text) === cursor ? readKey(text) : undefined;
    if (key === undefined) throw badInput(side, 'is no cursor of this connection');
    return key;
  };
  return { name, from: argument === 'last' ? 'end' : 'start', size, after: keyOf('after'), before: keyOf('before') };
}

/** The cursor of a row. It ends with NUL, which no key has, so that one that was cut short is none. */
function cursorOf(name: string, key: string | number): string {
  return Buffer.from(`${name}:${key}\0`).toString('base64url');
}

/** Reads the key of connections that are sorted by id. */
export const idKey = parseId;

/** Reads the key of connections that are sorted by a whole number. */
export function numberKey(text: string): number | undefined {
  return /^(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : undefined;
}

/** The key of connections that are sorted by a value, and by the id among equal values. */
export interface ValueKey {
  readonly id: string;
  readonly value: string;
}

/** Reads the key of connections that are sorted by a value and the id, as `valueKeyText` writes it. */
export function valueKey(text: string): ValueKey | undefined {
  const [, idText = '', value = ''] = /^(\S{36}) (.*)$/s.exec(text) ?? [];
  const id = parseId(idText);
  return id === undefined || value.includes('\0') ? undefined : { id, value };
}

export function valueKeyText({ id, value }: ValueKey): string {
  return `${id} ${value}`;
}

export type Direction = 'asc' | 'desc';

/**
 * The keyset of a page in SQL: a page from the end is read backwards. An index over the columns serves it.
 * @param columns that the list is sorted by, all in the same direction
 * @param valuesOf writes the values of a key as SQL, one for each column
 */
export function keysetSql<K>(
  { from, size, after, before }: Page<K>,
  columns: readonly string[],
  direction: Direction,
  valuesOf: (key: K) => readonly string[],
): { readonly conditions: string[]; readonly order: string } {
  const beyond = (key: K, operator: '<' | '>'): string =>
    `(${columns.join(', ')}) ${operator} (${valuesOf(key).join(', ')})`;
  const [behind, ahead] = direction === 'asc' ? (['>', '<'] as const) : (['<', '>'] as const);
  const read = from === 'start' ? direction : OPPOSITE[direction];
  return {
    conditions: [
      ...(after === undefined ? [] : [beyond(after, behind)]),
      ...(before === undefined ? [] : [beyond(before, ahead)]),
    ],
    order: `order by ${columns.map((column) => `${column} ${read}`).join(', ')} limit ${size + 1}`,
  };
}

const OPPOSITE: Record<Direction, Direction> = { asc: 'desc', desc: 'asc' };

/**
 * Reads a page of entities, newest first.
 * @param where selects the entities of all pages
 * @param key the property that the list is sorted by, the highest first; each entity has a value of its own
 */
export async function readNewestFirst<E extends object>(
  em: EntityManager,
  entity: EntityName<E>,
  where: object,
  page: Page<string | number>,
  key: keyof E & string,
): Promise<Connection<E>> {
  const { from, size, after, before } = page;
  const range = { ...(after !== undefined && { $lt: after }), ...(before !== undefined && { $gt: before }) };
  const orderBy = { [key]: from === 'start' ? 'desc' : 'asc' };
  const within = Object.keys(range).length > 0 ? { ...where, [key]: range } : where;
  const options = { orderBy, limit: size + 1, disableIdentityMap: true };
  const rows = await em.find(entity as EntityName<object>, within, options as FindOptions<object>);
  return toConnection(page, rows as E[], (row) => row[key] as string | number);
}

/**
 * The connection of a page whose rows are read by their ids, all at once.
 * @param found the page of ids
 * @param batch loads the rows; each of them must exist
 */
export async function loadNodes<T>(
  context: Context,
  found: Connection<{ readonly id: string }>,
  batch: Batch<T>,
): Promise<Connection<T>> {
  const edges = found.edges.map(async ({ cursor, node }) => ({ cursor, node: await load(context, batch, node.id) }));
  return { edges: await Promise.all(edges), pageInfo: found.pageInfo };
}

/**
 * The connection of a page.
 * @param rows up to one more than the page has, in the order in which they were read: from the end, the last one comes first
 */
export function toConnection<T>(
  { name, from, size, after, before }: Page<unknown>,
  rows: readonly T[],
  keyOf: (row: T) => string | number,
): Connection<T> {
  const edges = rows.slice(0, size).map((node) => ({ cursor: cursorOf(name, keyOf(node)), node }));
  if (from === 'end') edges.reverse();
  const goesOn = rows.length > size;
  return {
    edges,
    pageInfo: {
      hasNextPage: from === 'start' ? goesOn : before !== undefined,
      hasPreviousPage: from === 'end' ? goesOn : after !== undefined,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}
