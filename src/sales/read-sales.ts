import { Field, Float, ObjectType, registerEnumType } from 'type-graphql';
import {
  type Connection,
  connectionOf,
  type Direction,
  keysetSql,
  loadNodes,
  type Page,
  type PageArgs,
  pageOf,
  toConnection,
  type ValueKey,
  valueKey,
  valueKeyText,
} from '../api/connection.ts';
import type { Context } from '../api/context.ts';
import { Money } from '../api/scalars.ts';
import { Payment } from '../payments/payment.ts';
import { paymentsById } from '../payments/read-payments.ts';
import { sql, sqlRow } from '../platform/postgres.ts';
import { type CheckedFilter, checkFilter, type SalesFilter, selectSales } from './sales-filter.ts';

export const SalesSort = {
  NEWEST: 'NEWEST',
  OLDEST: 'OLDEST',
  AMOUNT_DESC: 'AMOUNT_DESC',
  AMOUNT_ASC: 'AMOUNT_ASC',
} as const;
export type SalesSort = keyof typeof SalesSort;
registerEnumType(SalesSort, {
  name: 'SalesSort',
  description: 'By the time of the payment or by its amount',
  valuesConfig: {
    NEWEST: { description: 'Latest payment first' },
    OLDEST: { description: 'Earliest payment first' },
    AMOUNT_DESC: { description: 'Largest amount first' },
    AMOUNT_ASC: { description: 'Smallest amount first' },
  },
});

export const SalesConnection = connectionOf('Sales', Payment);

/** A page of sales, with the filter that its totals are of. */
export interface Sales extends Connection<Payment> {
  readonly filter: CheckedFilter;
}

@ObjectType({ simpleResolvers: true, description: 'Sums over all sales that the filter selects' })
export class SalesTotals {
  @Field(() => Float, { description: 'How many payments, FAILED ones included: a whole number' })
  count!: number;

  @Field(() => Money, { description: 'What was paid: the amounts of COMPLETED and CANCELLED payments' })
  amount!: number;

  @Field(() => Money, { description: 'What of it was refunded' })
  refunded!: number;
}

interface Sort {
  /** The column to sort by before the id. */
  readonly column: 'created_at' | 'amount';
  readonly direction: Direction;
}

const SORTS: Record<SalesSort, Sort> = {
  NEWEST: { column: 'created_at', direction: 'desc' },
  OLDEST: { column: 'created_at', direction: 'asc' },
  AMOUNT_DESC: { column: 'amount', direction: 'desc' },
  AMOUNT_ASC: { column: 'amount', direction: 'asc' },
};

/** How a cursor carries the value of a column, as a whole number: an instant in microseconds since 1970. */
const NUMBERS: Record<Sort['column'], { readonly write: string; readonly read: (parameter: string) => string }> = {
  created_at: {
    write: '(extract(epoch from p.created_at) * 1000000)::bigint',
    read: (parameter) => `timestamptz 'epoch' + ${parameter}::bigint * interval '1 microsecond'`,
  },
  amount: { write: 'p.amount', read: (parameter) => `${parameter}::bigint` },
};

/**
 * Reads a page of the payments of everybody, FAILED ones included.
 * @throws CallerError BAD_USER_INPUT for a malformed page or filter
 */
export async function readSales(
  context: Context,
  given: SalesFilter | undefined,
  sortName: SalesSort,
  args: PageArgs,
): Promise<Sales> {
  const page = pageOf(`sales ${sortName}`, args, readKey);
  const filter = checkFilter('filter', given);
  const { text, params } = pageQuery(filter, SORTS[sortName], page);
  const keys = await sql<ValueKey>(context.em, text, params);
  const sales = await loadNodes(context, toConnection(page, keys, valueKeyText), paymentsById);
  return { ...sales, filter };
}

function readKey(text: string): ValueKey | undefined {
  const key = valueKey(text);
  return key && /^\d{1,17}$/.test(key.value) ? key : undefined;
}

/** SQL for a page of ids; an index serves each of its forms. */
function pageQuery(
  filter: CheckedFilter,
  { column, direction }: Sort,
  page: Page<ValueKey>,
): { text: string; params: unknown[] } {
  const params: unknown[] = [];
  const param = (value: unknown): string => `$${params.push(value)}`;
  const { head, conditions } = selectSales(filter, param);
  const { write, read } = NUMBERS[column];
  const keyset = keysetSql(page, [`p.${column}`, 'p.id'], direction, ({ id, value }) => [
    read(param(value)),
    `${param(id)}::uuid`,
  ]);
  const all = [...conditions, ...keyset.conditions];
  const text = `${head} select p.id, ${write}::text as value from payment p
    ${all.length > 0 ? `where ${all.join(' and ')}` : ''}
    ${keyset.order}`;
  return { text, params };
}

/** Adds up all sales that a filter selects, as they are now. */
export async function totalSales({ em }: Context, filter: CheckedFilter): Promise<SalesTotals> {
  const params: unknown[] = [];
  const { head, conditions } = selectSales(filter, (value) => `$${params.push(value)}`);
  const totals = await sqlRow<SalesTotals>(
    em,
    `${head} select count(*) as count, coalesce(sum(p.amount) filter (where p.status <> 'FAILED'), 0)::bigint as amount,
       coalesce(sum(p.refunded), 0)::bigint as refunded
     from payment p ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}`,
    params,
  );
  return Object.assign(new SalesTotals(), totals);
}
