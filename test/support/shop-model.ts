/** An order as the model knows it. */
export interface ModelOrder {
  readonly user: number;
  readonly lines: readonly (readonly [product: number, quantity: number])[];
  readonly total: number;
  readonly hasCoupon: boolean;
  status: 'PLACED' | 'CANCELLED' | 'PAID' | 'PAYMENT_CANCELLED';
}

/** What the shop must answer, said as simply as can be: one thing after another, in memory. */
export class ShopModel {
  readonly orders: ModelOrder[] = [];
  readonly stocks: (number | null)[];
  readonly balances: number[];
  readonly #prices: readonly number[];
  readonly #couponValue: number;

  constructor(prices: readonly number[], stocks: (number | null)[], balances: number[], couponValue: number) {
    this.#prices = prices;
    this.stocks = stocks;
    this.balances = balances;
    this.#couponValue = couponValue;
  }

  place(user: number, lines: ModelOrder['lines'], hasCoupon: boolean): string {
    const isShort = lines.some(([product, quantity]) => quantity > (this.stocks[product] ?? Number.POSITIVE_INFINITY));
    if (isShort) return 'INSUFFICIENT_STOCK';
    if (hasCoupon && this.couponIsTaken(user)) return 'COUPON_NOT_USABLE';
    const subtotal = lines.reduce((sum, [product, quantity]) => sum + quantity * (this.#prices[product] ?? 0), 0);
    const total = subtotal - (hasCoupon ? Math.min(this.#couponValue, subtotal) : 0);
    this.orders.push({ user, lines, total, hasCoupon, status: 'PLACED' });
    this.#move(lines, -1);
    return `PLACED ${total}`;
  }

  couponIsTaken(user: number): boolean {
    return this.orders.some(
      (order) => order.user === user && order.hasCoupon && (order.status === 'PLACED' || order.status === 'PAID'),
    );
  }

  cancel(order: ModelOrder): string {
    if (order.status === 'PAID' || order.status === 'PAYMENT_CANCELLED') return 'NOT_CANCELLABLE';
    this.lapse(order);
    return 'CANCELLED';
  }

  lapse(order: ModelOrder): void {
    if (order.status === 'PLACED') this.#move(order.lines, 1);
    if (order.status === 'PLACED') order.status = 'CANCELLED';
  }

  pay(order: ModelOrder): string {
    if (order.status === 'PAID') return 'ALREADY_PAID';
    if (order.status !== 'PLACED') return 'NOT_PAYABLE';
    const balance = this.balances[order.user] ?? 0;
    if (balance < order.total) return 'INSUFFICIENT_BALANCE';
    this.balances[order.user] = balance - order.total;
    order.status = 'PAID';
    return 'COMPLETED';
  }

  refund(order: ModelOrder): string {
    if (order.status !== 'PAID') return 'NOT_CANCELLABLE';
    this.balances[order.user] = (this.balances[order.user] ?? 0) + order.total;
    this.#move(order.lines, 1);
    order.status = 'PAYMENT_CANCELLED';
    return 'CANCELLED';
  }

  restock(product: number, quantity: number): string {
    const stock = this.stocks[product] ?? 0;
    if (stock + quantity < 0) return 'INSUFFICIENT_STOCK';
    this.stocks[product] = stock + quantity;
    return `STOCK ${stock + quantity}`;
  }

  #move(lines: ModelOrder['lines'], sign: 1 | -1): void {
    for (const [product, quantity] of lines) {
      const stock = this.stocks[product];
      if (typeof stock === 'number') this.stocks[product] = stock + sign * quantity;
    }
  }
}
