import { randomUUID } from 'node:crypto';
import { makeShow } from './builders.ts';
import type { Buyer, Data } from './client.ts';
import { makeCoupon, makeProduct } from './shop.ts';
import { type Call, callOf } from './shop-calls.ts';
import { ERRORS } from './shop-model-run.ts';
import { pick, SHOP, type Step } from './shop-script.ts';
import type { World } from './world.ts';

/** A thing that was answered, and whose it is. */
export interface Owned {
  readonly id: string;
  readonly user: number;
}

/** What was sent under a key, and what was first answered. */
export interface Kept extends Call {
  readonly step: Step;
  readonly key: string;
  readonly first: Data;
}

interface Answered {
  readonly step: Step;
  readonly key: string;
  readonly isKeyed: boolean;
  /** Whose it would be. */
  readonly owner: number | undefined;
  readonly data: Data;
}

/** How often a fault, of which the outcome is unknown, is asked again with the same key. */
const MAX_ASKED = 5;

/** Products, coupons, seats and users of one run in a world that has seen others, and what became of them. */
export class ShopRun {
  readonly world: World;
  readonly operator: Buyer;
  users: Buyer[] = [];
  products: string[] = [];
  coupons: string[] = [];
  show = '';
  seats: string[] = [];
  readonly orders: Owned[] = [];
  readonly reservations: Owned[] = [];
  readonly payments: Owned[] = [];
  readonly charges: Owned[] = [];
  /** Ids by user and coupon. */
  readonly issued = new Map<string, string>();
  readonly kept: Kept[] = [];
  /** Every answer, with the step that it is to; a step that was repeated has several. */
  readonly answered: Answered[] = [];

  private constructor(world: World, operator: Buyer) {
    this.world = world;
    this.operator = operator;
  }

  static async open(world: World, operator: Buyer): Promise<ShopRun> {
    const run = new ShopRun(world, operator);
    run.users = await world.buyers(SHOP.users, SHOP.balance);
    for (const [index, price] of SHOP.prices.entries()) {
      run.products.push(await makeProduct(operator, { price, stock: SHOP.stocks[index] }));
    }
    for (const coupon of SHOP.coupons) run.coupons.push(await makeCoupon(operator, coupon));
    const show = await makeShow(operator, { seatCount: SHOP.seats, price: SHOP.seatPrice });
    run.show = show.id;
    run.seats = show.seats;
    return run;
  }

  /**
   * Does a step, at several processes at once where `at` says so: then under one key.
   * @returns what was answered, told; undefined where there is nothing to do it to
   */
  async act(step: Step, at: readonly number[] = [step.at]): Promise<string | undefined> {
    if (step.do === 'repeat' || step.do === 'misuse') return this.#askAgain(step, at);
    const call = callOf(this, step);
    if (!call) return undefined;
    const key = randomUUID();
    const [data] = await this.#ask({ ...call, step, key }, at);
    if (call.misuse && !ERRORS.includes(data.code)) this.kept.push({ ...call, step, key, first: data });
    this.#learn(call, data);
    return this.tell(data);
  }

  /** An answer in few words, with places in SHOP for ids. */
  tell(data: Data): string {
    switch (data.__typename) {
      case 'Order':
        return `Order ${data.status} ${data.total}`;
      case 'Reservation':
      case 'Payment':
        return `${data.__typename} ${data.status} ${data.amount}`;
      case 'LedgerEntry':
        return `LedgerEntry ${data.kind} ${data.amount} = ${data.balanceAfter}`;
      case 'Product':
        return `Product ${data.stock}`;
      case 'IssuedCoupon':
        return `IssuedCoupon ${data.serial}`;
      case 'InsufficientStock':
        return `${data.code} ${data.shortages.map((shortage: Data) => this.#tellShortage(shortage)).sort()}`;
      case 'SeatsUnavailable':
        return `${data.code} ${data.seatIds.map((id: string) => this.seats.indexOf(id)).sort()}`;
      case 'InsufficientBalance':
        return `${data.code} ${data.balance}/${data.required}`;
      default:
        return data.code;
    }
  }

  async #askAgain(step: Extract<Step, { readonly nth: number }>, at: readonly number[]): Promise<string | undefined> {
    const kept = pick(this.kept, step.nth);
    if (!kept) return undefined;
    if (step.do === 'misuse') {
      const misuse = kept.misuse ?? kept.ask;
      return this.tell((await this.#ask({ ...kept, step, ask: misuse }, at))[0]);
    }
    const [data] = await this.#ask(kept, at);
    const isSame = data.id === kept.first.id && data.__typename === kept.first.__typename;
    return isSame ? this.tell(data) : `${this.tell(data)}, and not ${JSON.stringify(kept.first)}`;
  }

  async #ask({ step, key, ask, misuse, user }: Omit<Kept, 'first'>, at: readonly number[]): Promise<Data[]> {
    const answers = await Promise.all(at.map((one) => answerOf(() => ask(key, one))));
    this.answered.push(...answers.map((data) => ({ step, key, isKeyed: !!misuse, owner: user, data })));
    return answers;
  }

  #learn({ list, user = 0, coupon }: Call, { id, __typename }: Data): void {
    if (coupon && __typename === 'IssuedCoupon') this.issued.set(coupon, id);
    if (list && id && !list.some((known) => known.id === id)) list.push({ id, user });
  }

  #tellShortage({ productId, requested, available }: Data): string {
    return `${this.products.indexOf(productId)}:${requested}/${available}`;
  }
}

/** What was answered; an error as its code, like a refusal. */
async function answerOf(ask: () => Promise<Data>): Promise<Data> {
  for (let asked = 1; ; asked++) {
    const answer = await ask().catch((error: Error) => ({ code: codeOf(error) }));
    if (answer.code !== 'SERVICE_UNAVAILABLE' || asked === MAX_ASKED) return answer;
  }
}

function codeOf(error: Error): string {
  if (!error.message.startsWith('[')) throw error;
  return JSON.parse(error.message)[0].extensions.code;
}
