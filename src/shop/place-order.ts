import type { EntityManager } from '@mikro-orm/core';
import { createUnionType, Field, ID, InputType, Int } from 'type-graphql';
import { type Context, callerOf } from '../api/context.ts';
import { idempotencyKeyOf, idOf, KEY_KEPT_FOR_A_DAY, textOf, within } from '../api/input.ts';
import { badInput, notFound, Refusal, refuse, Withdrawn, withdrawn } from '../api/problems.ts';
import { ISSUED_COUPONS, ordersLimit, PRODUCTS, rowsOf } from '../commands/lock-order.ts';
import { type Item, Leave, run, type Scene, type Verb } from '../commands/runner.ts';
import { Coupon } from '../coupons/coupon.ts';
import { newId } from '../platform/ids.ts';
import { NOW_ONCE, sql } from '../platform/postgres.ts';
import { endOverdueWith, hasOverdueWith } from './lapse-orders.job.ts';
import { Order, OrderLimit, OrderLine, orderLimit, piecesOf, type ReachedOrderLimit, subtotalOf } from './order.ts';
import { InsufficientStock, insufficientStock, Product, type StockRefusal } from './product.ts';

@InputType({ description: 'Pieces of one product. Lines of one product are added up before the stock is checked' })
export class OrderLineInput {
  @Field(() => ID, { description: 'Id of the product' })
  productId!: string;

  @Field(() => Int, { description: 'How many pieces, 1 .. 100' })
  quantity!: number;
}

@InputType({ description: 'What is ordered' })
export class PlaceOrderInput {
  @Field(() => [OrderLineInput], { description: '1 .. 50 lines' })
  lines!: OrderLineInput[];

  @Field(() => ID, { nullable: true, description: "Id of the caller's IssuedCoupon that the order uses" })
  issuedCouponId?: string | null;

  @Field(() => String, { nullable: true, description: 'A note for whoever handles the order: at most 500 characters' })
  memo?: string | null;

  @Field(() => ID, {
    description: KEY_KEPT_FOR_A_DAY,
  })
  idempotencyKey!: string;
}

export const PlaceOrderResult = createUnionType({
  name: 'PlaceOrderResult',
  description:
    'The Order, OrderLimit, InsufficientStock, Withdrawn, or a Refusal: `COUPON_NOT_USABLE` or `IDEMPOTENCY_CONFLICT`',
  types: () => [Order, OrderLimit, InsufficientStock, Withdrawn, Refusal] as const,
});

type OrderRefusal = StockRefusal | OrderLimit | Withdrawn;

const MAX_LINES = 50;
const MAX_QUANTITY = 100;
/** Characters of a memo. */
const MAX_MEMO = 500;

interface PlaceOrder {
  /** Id of the order that is placed. */
  readonly id: string;
  readonly userId: string;
  readonly lines: readonly { readonly productId: string; readonly quantity: number }[];
  readonly issuedCouponId: string | null;
  readonly memo: string;
  /** Whether the command has left once already, to end overdue orders. */
  hasLeft: boolean;
}

/** Facts that the commands of a batch share. */
interface OrderFacts {
  /** Products made to order, which are never locked. */
  readonly madeToOrder: ReadonlyMap<string, Product>;
  readonly coupons: ReadonlyMap<string, Coupon>;
  readonly unpaid: ReadonlyMap<string, Unpaid>;
  /** By `nameOfBought`: pieces that a user has bought or ordered of a product with a limit. */
  readonly bought: ReadonlyMap<string, number>;
  /** Ids of issued coupons that a live order uses; orders of the batch add theirs. */
  readonly usedCoupons: Set<string>;
  /** Ends overdue orders that have a product the batch is short of, or a coupon of the batch; undefined for none. */
  readonly endOverdue: (() => Promise<void>) | undefined;
}

/** What is in the unpaid orders of a user, without those of the batch. */
interface Unpaid {
  readonly orders: number;
  readonly pieces: number;
}

const PLACE_ORDER: Verb<PlaceOrder, Order | OrderRefusal, undefined, OrderFacts> = {
  name: 'placeOrder',

  contends: ({ userId, lines, issuedCouponId }) => [
    ordersLimit(userId),
    ...[...piecesOf(lines).keys()].map((id) => `product:${id}`),
    ...(issuedCouponId === null ? [] : [`issued-coupon:${issuedCouponId}`]),
  ],

  locks: ({ userId, lines, issuedCouponId }) => ({
    limits: [ordersLimit(userId)],
    rows: [
      rowsOf(PRODUCTS, [...piecesOf(lines).keys()]),
      rowsOf(ISSUED_COUPONS, issuedCouponId === null ? [] : [issuedCouponId]),
    ],
  }),

  readsClock: true,

  async facts(em, items, scene) {
    const unpaid = await readUnpaid(em, items, scene);
    const pieces = piecesOf(items.flatMap(({ asked }) => asked.lines));
    const unlocked = [...pieces.keys()].filter((id) => !scene.find(PRODUCTS, id));
    const madeToOrder =
      unlocked.length === 0
        ? []
        : await em.find(Product, { id: { $in: unlocked }, stock: null }, { disableIdentityMap: true });
    const issued = items.flatMap(({ asked: { issuedCouponId } }) =>
      issuedCouponId === null ? [] : (scene.find(ISSUED_COUPONS, issuedCouponId) ?? []),
    );
    const coupons =
      issued.length === 0
        ? []
        : await em.find(Coupon, { id: { $in: issued.map(({ couponId }) => couponId) } }, { disableIdentityMap: true });
    const holders =
      issued.length === 0
        ? []
        : await em.find(
            Order,
            { issuedCouponId: { $in: issued.map(({ id }) => id) }, storedStatus: { $in: ['PLACED', 'PAID'] } },
            { disableIdentityMap: true },
          );
    const couponsOf = (orders: readonly Order[]): string[] =>
      orders.flatMap(({ issuedCouponId }) => issuedCouponId ?? []);
    const wanted = {
      productIds: [...pieces].flatMap(([id, quantity]) =>
        quantity > (scene.find(PRODUCTS, id)?.available ?? quantity) ? id : [],
      ),
      issuedCouponIds: couponsOf(holders.filter((order) => order.statusAt(scene.now) === 'CANCELLED')),
    };
    let ended: Promise<void> | undefined;
    const unlockedById = new Map(madeToOrder.map((product) => [product.id, product]));
    const limited = [...pieces.keys()].filter(
      (id) => typeof (scene.find(PRODUCTS, id) ?? unlockedById.get(id))?.maxPerUser === 'number',
    );
    const facts: OrderFacts = {
      madeToOrder: unlockedById,
      unpaid,
      bought: limited.length === 0 ? new Map() : await readBought(em, items, limited),
      coupons: new Map(coupons.map((coupon) => [coupon.id, coupon])),
      usedCoupons: new Set(couponsOf(holders)),
      endOverdue: (await hasOverdueWith(em, wanted))
        ? () => (ended ??= endOverdueWith(scene.platform, wanted))
        : undefined,
    };
    return items.map(() => facts);
  },

  decide({ asked, facts }, scene) {
    const { id, userId, issuedCouponId, memo } = asked;
    const lines = pricedLines(asked, facts, scene);
    if (lines instanceof Withdrawn) return lines;
    // Products and coupons that do not exist for the caller are refused before a shortage of stock.
    const issued = issuedCouponId === null ? undefined : scene.find(ISSUED_COUPONS, issuedCouponId);
    if (issuedCouponId !== null && issued?.userId !== userId) throw notFound('coupon of yours');
    const coupon = issued && facts.coupons.get(issued.couponId);
    const isUsed = issued !== undefined && facts.usedCoupons.has(issued.id);
    const pieces = piecesOf(lines);
    const reached = reachedLimits(userId, pieces, facts, scene);
    if (reached.length > 0) return orderLimit(reached);
    const shortages = [...pieces].flatMap(([productId, requested]) => {
      const available = scene.find(PRODUCTS, productId)?.available ?? requested;
      return requested > available ? { productId, requested, available } : [];
    });
    const { endOverdue } = facts;
    if (endOverdue && !asked.hasLeft && (shortages.length > 0 || isUsed)) {
      return new Leave(() => {
        asked.hasLeft = true;
        return endOverdue();
      });
    }
    if (shortages.length > 0) return insufficientStock(shortages);
    const subtotal = subtotalOf(lines);
    if (coupon && (isUsed || !coupon.isOpenAt(scene.now) || subtotal < coupon.minimumSubtotal)) {
      return refuse('COUPON_NOT_USABLE');
    }
    const order = Order.place({
      ...{ id, userId, lines, issuedCouponId, memo },
      discount: coupon?.discountOn(subtotal) ?? 0,
      at: scene.now,
      minutes: scene.platform.config.ORDER_MINUTES,
    });
    for (const [productId, quantity] of pieces) {
      scene.find(PRODUCTS, productId)?.take(quantity);
      scene.grant(nameOfBought(userId, productId), quantity);
    }
    scene.grant(nameOfOrders(userId), 1);
    scene.grant(nameOfPieces(userId), sumOf(pieces));
    if (issued) facts.usedCoupons.add(issued.id);
    scene.insert(order, ...lines);
    return order;
  },

  presumed: ({ id }) => ({ type: 'Order', id }),
  replay: (em, { id }) => em.findOneOrFail(Order, { id }),
  refusals: { OrderLimit, InsufficientStock, Withdrawn },
};

/** Names under which the orders of a batch add up, in addition to what PostgreSQL counts. */
const nameOfOrders = (userId: string): string => `unpaid orders:${userId}`;
const nameOfPieces = (userId: string): string => `unpaid pieces:${userId}`;
const nameOfBought = (userId: string, productId: string): string => `${userId}:${productId}`;

function sumOf(pieces: ReadonlyMap<string, number>): number {
  return [...pieces.values()].reduce((sum, quantity) => sum + quantity, 0);
}

/** The limits that the user goes beyond with these pieces. */
function reachedLimits(
  userId: string,
  pieces: ReadonlyMap<string, number>,
  { unpaid, bought, madeToOrder }: OrderFacts,
  scene: Scene,
): ReachedOrderLimit[] {
  const { UNPAID_ORDERS_PER_USER, UNPAID_PIECES_PER_USER } = scene.platform.config;
  const { orders, pieces: unpaidPieces } = unpaid.get(userId) ?? { orders: 0, pieces: 0 };
  const limits: ReachedOrderLimit[] = [
    {
      ...{ kind: 'UNPAID_ORDERS', productId: null, limit: UNPAID_ORDERS_PER_USER, requested: 1 },
      has: orders + scene.granted(nameOfOrders(userId)),
    },
    {
      ...{ kind: 'UNPAID_PIECES', productId: null, limit: UNPAID_PIECES_PER_USER, requested: sumOf(pieces) },
      has: unpaidPieces + scene.granted(nameOfPieces(userId)),
    },
  ];
  for (const [productId, requested] of pieces) {
    const limit = (scene.find(PRODUCTS, productId) ?? madeToOrder.get(productId))?.maxPerUser ?? null;
    const name = nameOfBought(userId, productId);
    const has = (bought.get(name) ?? 0) + scene.granted(name);
    if (limit !== null) limits.push({ kind: 'PIECES_OF_PRODUCT', productId, limit, has, requested });
  }
  return limits.filter(({ limit, has, requested }) => has + requested > limit);
}

/**
 * Reads the clock, and what is in the unpaid orders of each user. Orders are looked up user by user, by an index of their
 * own, so that the work does not grow with how many others have. It is not prepared: a plan from a time when there were
 * few would read them all.
 */
async function readUnpaid(
  em: EntityManager,
  items: readonly Item<PlaceOrder>[],
  scene: Scene,
): Promise<Map<string, Unpaid>> {
  const rows = await sql<Unpaid & { now: Date; userId: string }>(
    em,
    `with clock as materialized (select clock_timestamp() as now)
     select clock.now, u.user_id as "userId", count(o.id)::int as orders,
       coalesce(sum((select sum(l.quantity) from order_line l where l.order_id = o.id)), 0)::int as pieces
     from clock cross join unnest($1::uuid[]) as u (user_id) left join lateral (
       select id, pay_by from shop_order where (case when status = 'PLACED' then user_id end) = u.user_id offset 0
     ) o on o.pay_by > clock.now group by clock.now, u.user_id`,
    [usersOf(items)],
  );
  scene.tellTime((rows[0] as { now: Date }).now);
  return new Map(rows.map(({ userId, orders, pieces }) => [userId, { orders, pieces }]));
}

/** Counts, by `nameOfBought`, the pieces of some products that each user has bought, or ordered without paying yet. */
async function readBought(
  em: EntityManager,
  items: readonly Item<PlaceOrder>[],
  productIds: readonly string[],
): Promise<Map<string, number>> {
  const rows = await sql<{ userId: string; productId: string; pieces: number }>(
    em,
    `select u.user_id as "userId", l.product_id as "productId", sum(l.quantity - coalesce(
       (select sum(r.quantity) from refund_line r where r.order_id = l.order_id and r.line_no = l.line_no), 0))::int as pieces
     from unnest($1::uuid[]) as u (user_id) cross join lateral (
       select id, status, pay_by from shop_order where user_id = u.user_id offset 0
     ) o join order_line l on l.order_id = o.id
     where l.product_id = any($2) and (o.status = 'PAID' or o.status = 'PLACED' and o.pay_by > ${NOW_ONCE})
     group by u.user_id, l.product_id`,
    [usersOf(items), productIds],
  );
  return new Map(rows.map(({ userId, productId, pieces }) => [nameOfBought(userId, productId), pieces]));
}

function usersOf(items: readonly Item<PlaceOrder>[]): string[] {
  return [...new Set(items.map(({ asked }) => asked.userId))];
}

/**
 * Makes the lines with present prices.
 * @returns the lines; Withdrawn with the products that are no longer for sale
 * @throws CallerError NOT_FOUND for an unknown product
 */
function pricedLines({ id, lines }: PlaceOrder, { madeToOrder }: OrderFacts, scene: Scene): OrderLine[] | Withdrawn {
  const products = lines.map(({ productId }) => {
    const product = scene.find(PRODUCTS, productId) ?? madeToOrder.get(productId);
    if (!product) throw notFound('product');
    return product;
  });
  const gone = products.filter(({ withdrawnAt }) => withdrawnAt !== null);
  if (gone.length > 0) return withdrawn([...new Set(gone.map((product) => product.id))]);
  return lines.map(({ productId, quantity }, index) => {
    const product = products[index] as Product;
    const line = { orderId: id, lineNo: index + 1, productId, quantity, unitPrice: product.price, discount: 0 };
    return Object.assign(new OrderLine(), line);
  });
}

/**
 * Places an order, once for each idempotency key: takes the stock of all lines and the coupon, or nothing, and fixes
 * the prices.
 * @returns the Order, PLACED; Withdrawn with the products that are no longer for sale; OrderLimit with every limit for each
 * user that it goes beyond; InsufficientStock with every shortage; a Refusal COUPON_NOT_USABLE or IDEMPOTENCY_CONFLICT
 * @throws CallerError NOT_FOUND for an unknown product, and for an unknown or another user's coupon; BAD_USER_INPUT for
 * input outside its bounds
 */
export async function placeOrder(context: Context, input: PlaceOrderInput): Promise<Order | OrderRefusal> {
  if (input.lines.length < 1 || input.lines.length > MAX_LINES) {
    throw badInput('input.lines', `must be from 1 to ${MAX_LINES}`);
  }
  const { id: userId } = callerOf(context);
  const lines = input.lines.map(({ productId, quantity }, index) => ({
    productId: idOf(`input.lines[${index}].productId`, productId),
    quantity: within(`input.lines[${index}].quantity`, quantity, 1, MAX_QUANTITY),
  }));
  const issuedCouponId =
    typeof input.issuedCouponId === 'string' ? idOf('input.issuedCouponId', input.issuedCouponId) : null;
  const memo = textOf('input.memo', input.memo ?? '', 0, MAX_MEMO);
  // A key that was sent without a memo stays the same when no memo is sent.
  const asked = { lines, issuedCouponId, memo: memo === '' ? undefined : memo };
  const key = { userId, key: idempotencyKeyOf(input.idempotencyKey), input: asked };
  return run(context, PLACE_ORDER, { id: newId(), userId, lines, issuedCouponId, memo, hasLeft: false }, key);
}
