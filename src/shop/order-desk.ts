import type { EntityManager } from '@mikro-orm/core';
import { notFound, Refusal } from '../api/problems.ts';
import { couponOf, type LockedCoupons, lockCoupons, takeCoupon } from '../coupons/take-coupon.ts';
import { type LockedProduct, lockProducts } from '../legacy/lock-order.ts';
import { insertOrders, linesOf, type NewOrder, type PricedLine } from './insert-orders.ts';
import { Order } from './order.ts';
import { insufficientStock, type StockRefusal, type StockShortage } from './shop-problems.ts';

/** What somebody wants to order. */
export interface Wish {
  /** Of the order that it becomes. */
  readonly id: string;
  readonly userId: string;
  readonly lines: readonly { readonly productId: string; readonly quantity: number }[];
  readonly issuedCouponId: string | null;
}

type Products = ReadonlyMap<string, LockedProduct>;

/**
 * Orders of one transaction, judged one after another against products and coupons that are locked for all of them, and
 * against what those before them took.
 */
export class OrderDesk {
  readonly #em: EntityManager;
  readonly #minutes: number;
  readonly #products: Products;
  readonly #coupons: LockedCoupons;
  /** How many of each product were taken since it was locked. */
  readonly #taken = new Map<string, number>();
  #unwritten: { readonly order: NewOrder; readonly answer: Order }[] = [];

  private constructor(em: EntityManager, minutes: number, products: Products, coupons: LockedCoupons) {
    this.#em = em;
    this.#minutes = minutes;
    this.#products = products;
    this.#coupons = coupons;
  }

  /**
   * Locks whatever the wishes are about, products first, each kind by id.
   * @param minutes how long orders may stand unpaid
   */
  static async open(em: EntityManager, wishes: readonly Wish[], minutes: number): Promise<OrderDesk> {
    const productIds = new Set(wishes.flatMap(({ lines }) => lines.map(({ productId }) => productId)));
    const couponIds = new Set(wishes.flatMap(({ issuedCouponId }) => issuedCouponId ?? []));
    const products = await lockProducts(em, [...productIds]);
    return new OrderDesk(em, minutes, products, await lockCoupons(em, [...couponIds]));
  }

  /**
   * Takes stock and coupon for one of the wishes, or nothing.
   * @returns the Order, complete once it is written
   * @throws CallerError NOT_FOUND for an unknown product, and for an unknown or another user's coupon
   */
  place(wish: Wish): Order | StockRefusal {
    const { id, userId, issuedCouponId } = wish;
    const lines = wish.lines.map((line) => this.#priced(line));
    // What does not exist for the caller is no question of what is in stock.
    const coupon = issuedCouponId === null ? null : couponOf(this.#coupons, userId, issuedCouponId);
    const asked = quantities(lines);
    const shortages = this.#shortagesOf(asked);
    if (shortages.length > 0) return insufficientStock(shortages);
    const subtotal = lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0);
    const discount = coupon ? takeCoupon(coupon, subtotal) : 0;
    if (discount instanceof Refusal) return discount;
    for (const [productId, quantity] of asked) this.#taken.set(productId, this.#takenOf(productId) + quantity);
    const order = { id, userId, issuedCouponId, subtotal, discount, lines };
    const answer = new Order();
    this.#unwritten.push({ order, answer });
    return answer;
  }

  async write(): Promise<void> {
    if (this.#unwritten.length === 0) return;
    const orders = this.#unwritten.map(({ order }) => order);
    const written = await insertOrders(this.#em, orders, this.#minutes);
    for (const { order, answer } of this.#unwritten) {
      Object.assign(answer, written.get(order.id), { takenLines: linesOf(order) });
    }
    this.#unwritten = [];
  }

  #priced(line: Wish['lines'][number]): PricedLine {
    const product = this.#products.get(line.productId);
    if (!product) throw notFound('product');
    return { ...line, unitPrice: product.price };
  }

  #shortagesOf(asked: ReadonlyMap<string, number>): StockShortage[] {
    return [...asked].flatMap(([productId, requested]) => {
      const stock = this.#products.get(productId)?.stock ?? Number.POSITIVE_INFINITY;
      const available = stock - this.#takenOf(productId);
      return requested > available ? [{ productId, requested, available }] : [];
    });
  }

  #takenOf(productId: string): number {
    return this.#taken.get(productId) ?? 0;
  }
}

/** How many of each product, lines of one product together. */
function quantities(lines: readonly PricedLine[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { productId, quantity } of lines) sums.set(productId, (sums.get(productId) ?? 0) + quantity);
  return sums;
}
