import { ShopModel, type Thing } from './shop-model.ts';
import { pick, type Step } from './shop-script.ts';

/** With these nothing is kept of what was asked, and the key is free again. */
export const ERRORS: readonly string[] = ['NOT_FOUND', 'BAD_USER_INPUT'];

/** A script acted out by the model: it knows what was answered under each key. */
export class ModelRun {
  readonly model = new ShopModel();
  readonly #kept: (Thing | string)[] = [];

  /** What must be told of the step; undefined where there is nothing to do it to. */
  act(step: Step): string | undefined {
    const answer = this.#underKey(step);
    if (answer !== undefined && !ERRORS.includes(String(answer))) this.#kept.push(answer);
    return (answer ?? this.#withoutKey(step))?.toString();
  }

  #underKey(step: Step): Thing | string | undefined {
    const { model } = this;
    switch (step.do) {
      case 'place':
        return model.place(step.user, step.basket, step.coupon);
      case 'charge':
        return model.charge(step.user, step.amount);
      case 'restock':
        return model.restock(step.product, step.quantity);
      case 'cancelPayment':
        return onPicked(model.payments, step.nth, (payment) => model.cancelPayment(payment, step.by));
      case 'payOrder':
        return onPicked(model.orders, step.nth, (order) => model.pay(order));
      case 'payReservation':
        return onPicked(model.reservations, step.nth, (reservation) => model.pay(reservation));
      case 'cancelCharge':
        return onPicked(model.charges, step.nth, (charge) => model.cancelCharge(charge));
      default:
        return undefined;
    }
  }

  #withoutKey(step: Step): Thing | string | undefined {
    const { model } = this;
    switch (step.do) {
      case 'reserve':
        return model.reserve(step.user, step.seats);
      case 'claim':
        return model.claim(step.user, step.coupon);
      case 'cancelOrder':
        return onPicked(model.orders, step.nth, (order) => model.cancelOrder(order));
      case 'lapseOrder':
        return onPicked(model.orders, step.nth, (order) => model.lapseOrder(order));
      case 'release':
        return onPicked(model.reservations, step.nth, (reservation) => model.release(reservation));
      case 'lapseHold':
        return onPicked(model.reservations, step.nth, (reservation) => model.endHold(reservation, 'EXPIRED'));
      case 'agePayment':
        return onPicked(model.payments, step.nth, (payment) => Object.assign(payment, { isOld: true }));
      case 'repeat':
        return onPicked(this.#kept, step.nth, (kept) => kept);
      case 'misuse':
        return onPicked(this.#kept, step.nth, () => 'IDEMPOTENCY_CONFLICT');
      default:
        return undefined;
    }
  }
}

function onPicked<T>(list: readonly T[], nth: number, act: (one: T) => Thing | string): Thing | string | undefined {
  const picked = pick(list, nth);
  return picked === undefined ? undefined : act(picked);
}
