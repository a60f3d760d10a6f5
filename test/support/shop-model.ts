import { type Line, SHOP } from './shop-script.ts';

/** A thing of the model: as text it is told as it is now, in the words of `tell`. */
export type Thing = ModelOrder | ModelReservation | ModelPayment | ModelCharge | ModelIssued | { toString(): string };

export interface ModelOrder {
  readonly user: number;
  readonly lines: readonly Line[];
  readonly total: number;
  readonly coupon: ModelIssued | undefined;
  status: 'PLACED' | 'CANCELLED' | 'PAID' | 'PAYMENT_CANCELLED';
}

export interface ModelReservation {
  readonly user: number;
  readonly seats: readonly number[];
  readonly total: number;
  status: 'HELD' | 'CONFIRMED' | 'EXPIRED' | 'RELEASED' | 'CANCELLED';
}

export interface ModelPayment {
  readonly payable: ModelOrder | ModelReservation;
  status: 'COMPLETED' | 'CANCELLED';
  isOld: boolean;
}

export interface ModelCharge {
  readonly user: number;
  readonly amount: number;
  isCancelled: boolean;
}

export interface ModelIssued {
  readonly user: number;
  readonly coupon: number;
}

/** What the shop must answer, said as simply as can be: one thing after another, in memory. A text is a refusal. */
export class ShopModel {
  readonly stocks: (number | null)[] = [...SHOP.stocks];
  readonly balances: number[] = Array.from({ length: SHOP.users }, () => SHOP.balance);
  readonly orders: ModelOrder[] = [];
  readonly reservations: ModelReservation[] = [];
  readonly payments: ModelPayment[] = [];
  readonly charges: ModelCharge[] = [];
  readonly issued: ModelIssued[] = [];
  /** Payments that were recorded as FAILED. */
  failed = 0;

  place(user: number, lines: readonly Line[], coupon: number | null): Thing | string {
    const issued = this.issued.find((one) => one.user === user && one.coupon === coupon);
    if (coupon !== null && !issued) return 'NOT_FOUND';
    const short = lines.filter(([product, quantity]) => quantity > (this.stocks[product] ?? Number.POSITIVE_INFINITY));
    const told = short.map(([product, quantity]) => `${product}:${quantity}/${this.stocks[product]}`).sort();
    if (told.length > 0) return `INSUFFICIENT_STOCK ${told}`;
    const subtotal = lines.reduce((sum, [product, quantity]) => sum + quantity * (SHOP.prices[product] ?? 0), 0);
    const discount = issued ? this.#discount(issued, subtotal) : 0;
    if (discount === undefined) return 'COUPON_NOT_USABLE';
    const order: ModelOrder = { user, lines, total: subtotal - discount, coupon: issued, status: 'PLACED' };
    this.#moveStock(order, -1);
    this.orders.push(Object.assign(order, { toString: () => `Order ${order.status} ${order.total}` }));
    return order;
  }

  cancelOrder(order: ModelOrder): Thing | string {
    const isPaid = order.status === 'PAID' || order.status === 'PAYMENT_CANCELLED';
    return isPaid ? 'NOT_CANCELLABLE' : this.lapseOrder(order);
  }

  lapseOrder(order: ModelOrder): Thing {
    if (order.status === 'PLACED') {
      order.status = 'CANCELLED';
      this.#moveStock(order, 1);
    }
    return order;
  }

  reserve(user: number, seats: readonly number[]): Thing | string {
    const live = this.reservations.filter(({ status }) => status === 'HELD' || status === 'CONFIRMED');
    const same = live.find((one) => one.user === user && one.status === 'HELD' && isSame(one.seats, seats));
    if (same) return same;
    const mine = live.filter((one) => one.user === user).flatMap((one) => one.seats);
    if (mine.length + seats.length > SHOP.seatsPerUser) return 'TOO_MANY_SEATS';
    const taken = seats.filter((seat) => this.holderOf(seat)).sort();
    if (taken.length > 0) return `SEATS_UNAVAILABLE ${taken}`;
    const made: ModelReservation = { user, seats, total: seats.length * SHOP.seatPrice, status: 'HELD' };
    this.reservations.push(Object.assign(made, { toString: () => `Reservation ${made.status} ${made.total}` }));
    return made;
  }

  /** Whose the seat is, held or bought. */
  holderOf(seat: number): ModelReservation | undefined {
    return this.reservations.find(({ seats, status }) => seats.includes(seat) && /HELD|CONFIRMED/.test(status));
  }

  release(reservation: ModelReservation): Thing | string {
    const isPaid = reservation.status === 'CONFIRMED' || reservation.status === 'CANCELLED';
    return isPaid ? 'NOT_CANCELLABLE' : this.endHold(reservation, 'RELEASED');
  }

  endHold(reservation: ModelReservation, status: 'RELEASED' | 'EXPIRED'): Thing {
    if (reservation.status === 'HELD') reservation.status = status;
    return reservation;
  }

  pay(payable: ModelOrder | ModelReservation): Thing | string {
    const { user, total, status } = payable;
    if (status === 'PAID' || status === 'CONFIRMED') return 'ALREADY_PAID';
    if (status !== 'PLACED' && status !== 'HELD' && status !== 'EXPIRED') return 'NOT_PAYABLE';
    const balance = this.balances[user] ?? 0;
    if (status === 'EXPIRED' || balance < total) this.failed++;
    if (status === 'EXPIRED') return 'HOLD_EXPIRED';
    if (balance < total) return `INSUFFICIENT_BALANCE ${balance}/${total}`;
    this.balances[user] = balance - total;
    payable.status = status === 'PLACED' ? 'PAID' : 'CONFIRMED';
    const payment: ModelPayment = { payable, status: 'COMPLETED', isOld: false };
    this.payments.push(Object.assign(payment, { toString: () => `Payment ${payment.status} ${total}` }));
    return payment;
  }

  cancelPayment(payment: ModelPayment, by: 'owner' | 'other' | 'operator'): Thing | string {
    const { payable, status } = payment;
    if (by === 'other') return 'NOT_FOUND';
    const isTooOld = payment.isOld && payable.status === 'PAID' && by === 'owner';
    if (status === 'CANCELLED' || isTooOld) return 'NOT_CANCELLABLE';
    payment.status = 'CANCELLED';
    this.balances[payable.user] = (this.balances[payable.user] ?? 0) + payable.total;
    payable.status = 'lines' in payable ? 'PAYMENT_CANCELLED' : 'CANCELLED';
    if ('lines' in payable) this.#moveStock(payable, 1);
    return payment;
  }

  charge(user: number, amount: number): Thing {
    const charge: ModelCharge = { user, amount, isCancelled: false };
    this.charges.push(Object.assign(charge, { toString: () => told }));
    const told = this.#post(user, 'CHARGE', amount);
    return charge;
  }

  cancelCharge(charge: ModelCharge): string {
    const { user, amount, isCancelled } = charge;
    if (isCancelled || (this.balances[user] ?? 0) < amount) return 'NOT_CANCELLABLE';
    charge.isCancelled = true;
    return this.#post(user, 'CHARGE_CANCEL', -amount);
  }

  restock(product: number, quantity: number): Thing | string {
    const stock = this.stocks[product] ?? null;
    if (stock === null) return 'BAD_USER_INPUT';
    if (stock + quantity < 0) return `INSUFFICIENT_STOCK ${product}:${-quantity}/${stock}`;
    this.stocks[product] = stock + quantity;
    return { toString: () => `Product ${this.stocks[product]}` };
  }

  claim(user: number, coupon: number): Thing | string {
    const given = this.issued.filter((one) => one.coupon === coupon);
    if (given.some((one) => one.user === user)) return 'COUPON_ALREADY_CLAIMED';
    const serial = given.length + 1;
    if (serial > (SHOP.coupons[coupon]?.quantity ?? 0)) return 'COUPON_SOLD_OUT';
    const issued: ModelIssued = { user, coupon };
    this.issued.push(Object.assign(issued, { toString: () => `IssuedCoupon ${serial}` }));
    return issued;
  }

  /** Whether a live order has it. */
  isUsed(coupon: ModelIssued): boolean {
    return this.orders.some((order) => order.coupon === coupon && /^(PLACED|PAID)$/.test(order.status));
  }

  #discount(issued: ModelIssued, subtotal: number): number | undefined {
    const coupon = SHOP.coupons[issued.coupon];
    if (!coupon || this.isUsed(issued) || subtotal < coupon.minimumSubtotal) return undefined;
    const { discountKind, value } = coupon;
    return discountKind === 'PERCENT' ? Math.floor((subtotal * value) / 100) : Math.min(value, subtotal);
  }

  #moveStock({ lines }: ModelOrder, sign: 1 | -1): void {
    for (const [product, quantity] of lines) {
      const stock = this.stocks[product] ?? null;
      if (stock !== null) this.stocks[product] = stock + sign * quantity;
    }
  }

  #post(user: number, kind: string, amount: number): string {
    const balance = (this.balances[user] ?? 0) + amount;
    this.balances[user] = balance;
    return `LedgerEntry ${kind} ${amount} = ${balance}`;
  }
}

function isSame(some: readonly number[], others: readonly number[]): boolean {
  return some.length === others.length && some.every((seat) => others.includes(seat));
}
