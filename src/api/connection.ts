import { type ClassType, Field, ObjectType } from 'type-graphql';
import { parseId } from '../platform/ids.ts';
import { badInput } from './problems.ts';

const MAX_PER_PAGE = 100;

@ObjectType({ description: 'Where a page of a list ends' })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether there are rows behind this page' })
  hasNextPage!: boolean;

  @Field(() => String, { nullable: true, description: '`after` of the next page; null for a page without rows' })
  endCursor!: string | null;
}

export interface Edge<T> {
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
    @Field(() => String, { description: '`after` of a page that begins behind this row; good for this list only' })
    cursor!: string;

    @Field(() => node, { description: 'The row itself' })
    node!: unknown;
  }

  @ObjectType(`${name}Connection`, { description: 'A page of a list. Pages hold while rows are added and changed' })
  class ConnectionOf {
    @Field(() => [EdgeOf], { description: 'The rows, in the order of the list' })
    edges!: EdgeOf[];

    @Field(() => PageInfo, { description: 'Where the page ends' })
    pageInfo!: PageInfo;
  }
  return ConnectionOf;
}

/** A page of a connection: how many rows, and after which key. */
export interface Page<K> {
  readonly first: number;
  readonly after: K | undefined;
}

/**
 * Reads `first` and `after` of a connection.
 * @param name of the connection: a cursor of another one is refused
 * @param readKey returns undefined for text that cannot be a key of this connection
 * @throws CallerError BAD_USER_INPUT for `first` outside 1..100 and for a cursor that is not one of this connection
 */
export function pageOf<K>(
  name: string,
  first: number,
  after: string | undefined,
  readKey: (text: string) => K | undefined,
): Page<K> {
  if (first < 1 || first > MAX_PER_PAGE) throw badInput('first', `must be from 1 to ${MAX_PER_PAGE}`);
  if (after === undefined || after === null) return { first, after: undefined };
  const text = Buffer.from(after, 'base64url').toString();
  const ours = text.startsWith(`${name}:`) && Buffer.from(text).toString('base64url') === after;
  const key = ours ? readKey(text.slice(name.length + 1)) : undefined;
  if (key === undefined) throw badInput('after', 'is no cursor of this connection');
  return { first, after: key };
}

/** Reads the key of connections that are sorted by id. */
export const idKey = parseId;

/** Reads the key of connections that are sorted by a whole number. */
export function numberKey(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
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

/**
 * The connection of a page.
 * @param rows up to `first` + 1: the last one shows that there is a next page
 */
export function toConnection<T>(
  name: string,
  rows: readonly T[],
  first: number,
  keyOf: (row: T) => string | number,
): Connection<T> {
  const cursorOf = (row: T): string => Buffer.from(`${name}:${keyOf(row)}`).toString('base64url');
  const edges = rows.slice(0, first).map((node) => ({ cursor: cursorOf(node), node }));
  return { edges, pageInfo: { hasNextPage: rows.length > first, endCursor: edges.at(-1)?.cursor ?? null } };
}
