import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accessibilityFaults, buildPages, CHROMIUM, PHONE_KOREAN, Visitors } from '../support/browser.ts';
import { makeShow, pay, reserve } from '../support/builders.ts';
import { notify, paid, WITH_PROVIDER } from '../support/charges.ts';
import { Buyer } from '../support/client.ts';
import { claim, makeCoupon, makeProduct, stockOf } from '../support/shop.ts';
import { checkIn, ticketsOf } from '../support/tickets.ts';
import { signToken, World } from '../support/world.ts';

describe.skipIf(!CHROMIUM)('shop, wallet, tickets and account', () => {
  let world: World;
  let operator: Buyer;
  let visitors: Visitors;

  beforeAll(async () => {
    buildPages();
    world = await World.open({ processes: 1 });
    operator = await world.operator();
    visitors = await Visitors.open(world);
  });

  afterAll(async () => {
    await visitors?.close();
    await world?.close();
  });

  const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });
  const confirm = (page: Page) => page.getByRole('alertdialog').getByRole('button', { name: 'Give back', exact: true });
  const link = (page: Page, name: string | RegExp) => page.getByRole('link', { name });
  const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name });

  async function signIn(page: Page, name: string, password: string): Promise<void> {
    await page.locator('input[name=name]').fill(name);
    await page.locator('input[name=password]').fill(password);
    await page.locator('button[type=submit]').click();
  }

  /** The wallet of a user and the number of its entries. */
  async function walletOf(name: string): Promise<{ balance: number; entries: number }> {
    const { rows } = await world.pool.query(
      `select w.balance::int, (select count(*)::int from entry e where e.wallet_id = w.user_id) as entries
       from wallet w join user_account u on u.id = w.user_id where u.name = $1`,
      [name],
    );
    return rows[0];
  }

  /** Somebody who has signed up on a page, for what is done past the pages. */
  async function buyerCalled(name: string): Promise<Buyer> {
    const { rows } = await world.pool.query('select id from user_account where name = $1', [name]);
    return new Buyer(rows[0].id, await signToken(rows[0].id, 'BUYER'), world.urls[0] as string);
  }

  /** Moves the focus by the keyboard until it is on what has this name. */
  async function tabTo(page: Page, name: string): Promise<void> {
    const wanted = page.getByRole('button', { name, exact: true }).or(page.getByRole('link', { name, exact: true }));
    for (let steps = 0; steps < 80; steps++) {
      if ((await wanted.and(page.locator(':focus')).count()) > 0) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`the keyboard does not reach ${name}`);
  }

  it('who stays signed in is so after a reload; who signs out everywhere ends the session of another browser too', async () => {
    const page = await visitors.signUp('one who stays', '/wallet');
    await page.reload();
    await heading(page, 'Wallet').waitFor();
    const other = await visitors.visit('/sign-in?next=/wallet');
    await signIn(other, 'one who stays', 'a long password');
    await heading(other, 'Wallet').waitFor();
    await page.evaluate(() =>
      localStorage.setItem('onsale.cart', '[{"productId":"of the one who stays","quantity":1}]'),
    );
    await page.goto('/account');
    await button(page, 'Sign out everywhere').click();
    await heading(page, 'Sign in').waitFor();
    expect(await page.evaluate(() => localStorage.getItem('onsale.cart'))).toBe('[]');
    await link(other, 'My tickets').click();
    await heading(other, 'Sign in').waitFor();
    await other.getByLabel('Stay signed in').uncheck();
    await signIn(other, 'one who stays', 'a wrong password');
    await other.getByText('Name or password is wrong').waitFor();
    await signIn(other, 'one who stays', 'a long password');
    await heading(other, 'My tickets').waitFor();
    // A second tab has no session of its own, and does not end that of the first.
    const tab = await other.context().newPage();
    await tab.goto(other.url());
    await heading(tab, 'Sign in').waitFor();
    await link(other, 'Wallet').click();
    await heading(other, 'Wallet').waitFor();
    await tab.close();
    await other.reload();
    await heading(other, 'Sign in').waitFor();
    expect(visitors.faults).toEqual([]);
  });

  it('a wrong old password changes nothing; a new one does, and the data can be saved; money is not deleted', async () => {
    const page = await visitors.signUp('one who changes', '/account');
    const change = async (oldPassword: string, newPassword: string): Promise<void> => {
      await page.locator('input[name=oldPassword]').fill(oldPassword);
      await page.locator('input[name=newPassword]').fill(newPassword);
      await button(page, 'Change the password').click();
    };
    await change('not my password', 'another password');
    await page.getByText('Nothing was changed.').waitFor();
    await change('a long password', 'short');
    await page.getByText('must have 8 to 200 characters').waitFor();
    await change('a long password', 'another password');
    await page.getByText('The password is changed.').waitFor();
    const [file] = await Promise.all([page.waitForEvent('download'), button(page, 'Save my data').click()]);
    expect(file.suggestedFilename()).toBe('onsale.json');
    await page.goto('/wallet');
    await page.getByLabel('Amount').fill('700');
    await button(page, /^Charge/).click();
    await page.getByText('was added to your wallet').waitFor();
    await page.goto('/account');
    await button(page, 'Delete the account').click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete the account' }).click();
    await page.getByRole('alertdialog').getByRole('link', { name: 'In your wallet' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(await walletOf('one who changes')).toEqual({ balance: 700, entries: 1 });
    expect(visitors.faults).toEqual([]);
  });

  it('a double click charges once, and so does a click after the answer was lost and the page reloaded', async () => {
    const page = await visitors.signUp('an impatient one', '/wallet');
    await page.getByLabel('Amount').fill('1000');
    await button(page, /^Charge/).dblclick();
    await page.getByText('was added to your wallet').waitFor();
    expect(await walletOf('an impatient one')).toEqual({ balance: 1_000, entries: 1 });
    await page.route('**/graphql', async (route) => {
      if (!route.request().postData()?.includes('mutation Charge')) return route.continue();
      await route.fetch();
      return route.abort();
    });
    await page.getByLabel('Amount').fill('200');
    await button(page, /^Charge/).click();
    await page.getByText('nothing happens twice').waitFor();
    await page.unroute('**/graphql');
    await page.reload();
    await page.getByLabel('Amount').fill('200');
    await button(page, /^Charge/).click();
    await page.getByText('was added to your wallet').waitFor();
    expect(await walletOf('an impatient one')).toEqual({ balance: 1_200, entries: 2 });
    expect(await page.getByRole('listitem').filter({ hasText: 'Charge' }).count()).toBe(2);
  });

  it('a charge through a payment provider shows what is to be paid there, also after a reload, and when it has come', async () => {
    const { url } = await world.startProcess(WITH_PROVIDER);
    const page = await visitors.signUp('one with a card', '/wallet', undefined, new URL(url).origin);
    await page.getByLabel('Amount').fill('5000');
    await button(page, /^Charge/).dblclick();
    await page.getByText('waits for the payment provider').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.reload();
    await page.getByText('waits for the payment provider').waitFor();
    expect(await walletOf('one with a card')).toEqual({ balance: 0, entries: 0 });
    const { rows } = await world.pool.query('select id, reference, amount::int from pending_charge');
    expect(rows).toMatchObject([{ amount: 5_000 }]);
    await notify(url, paid(rows[0]));
    await page.getByText('The money is in your wallet.').waitFor();
    await page.getByText('₩5,000', { exact: true }).first().waitFor();
    expect(visitors.faults).toEqual([]);
  });

  it('the last coupon goes to whoever claims first; with it an order is placed, paid from the charged wallet, and given back', async () => {
    const poster = await makeProduct(operator, { name: 'A poster', price: 1_000, stock: 5 });
    await makeCoupon(operator, { name: 'The only one', quantity: 1, value: 500 });
    const page = await visitors.signUp('a collector', '/shop/coupons');
    const late = await visitors.signUp('a late one', '/shop/coupons');
    await button(late, 'Claim').waitFor();
    await button(page, 'Claim').dblclick();
    await page.getByText('It is yours: number 1.').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await button(late, 'Claim').click();
    await late.getByText('All of these coupons are gone').waitFor();
    const another = await makeCoupon(operator, { name: 'Another one' });
    await claim(await buyerCalled('a late one'), another);
    await button(late, 'Claim').first().click();
    await late.getByText('It is yours: number 1.').waitFor();

    await link(page, 'Products').click();
    await page.getByLabel('Search products').fill('poster');
    await button(page, 'Search').click();
    await button(page, 'Add to cart: A poster').click();
    await button(page, 'One more').click();
    expect(await accessibilityFaults(page)).toEqual([]);
    await link(page, /^Cart/).click();
    await page.getByLabel('The only one').check();
    expect(await accessibilityFaults(page)).toEqual([]);
    await button(page, 'Place the order').click();
    await link(page, 'Charge the wallet first').click();
    await button(page, /^Charge ₩1,500/).click();
    await link(page, 'Back to paying').click();
    await button(page, 'Pay ₩1,500').dblclick();
    await page.getByText('Paid', { exact: true }).waitFor();
    expect(await walletOf('a collector')).toEqual({ balance: 0, entries: 2 });
    expect(await stockOf(operator, poster)).toBe(3);

    await button(page, 'One more').click();
    await button(page, 'Give back 1').click();
    expect(await accessibilityFaults(page)).toEqual([]);
    await confirm(page).click();
    await page.getByText('1 given back').waitFor();
    expect(await walletOf('a collector')).toEqual({ balance: 750, entries: 3 });
    await button(page, 'Give everything back').click();
    await confirm(page).click();
    await page.getByText('2 given back').waitFor();
    expect(await walletOf('a collector')).toEqual({ balance: 1_500, entries: 4 });
    expect(await stockOf(operator, poster)).toBe(5);
    expect(visitors.faults).toEqual([]);
  });

  it('an order of more than is left, or than one may have, says how many there are, and is mended by a click', async () => {
    await makeProduct(operator, { name: 'A scarce thing', stock: 2 });
    await makeProduct(operator, { name: 'A rationed thing', maxPerUser: 1 });
    const page = await visitors.signUp('a greedy one', '/shop');
    await button(page, 'Add to cart: A scarce thing').click();
    for (let pieces = 0; pieces < 3; pieces++) await button(page, 'One more').click();
    await button(page, 'Add to cart: A rationed thing').click();
    await page
      .getByRole('group', { name: 'Pieces: A rationed thing' })
      .getByRole('button', { name: 'One more' })
      .click();
    await link(page, /^Cart/).click();
    await button(page, 'Place the order').click();
    await page.getByText('A rationed thing: at most 1 each').waitFor();
    await button(page, 'Take as many as one may have').click();
    await button(page, 'Place the order').click();
    await page.getByText('A scarce thing: 2 left').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await button(page, 'Take what is left').click();
    await button(page, 'Place the order').click();
    await page.getByText('To be paid').waitFor();
    await button(page, 'Cancel the order').click();
    await page.getByText('Nothing was taken from your wallet').waitFor();
    expect(visitors.faults).toEqual([]);
  });

  it('an order is placed and paid by the keyboard alone', async () => {
    await makeProduct(operator, { name: 'A thing for fingers', price: 300 });
    const page = await visitors.signUp('one without a mouse', '/wallet');
    await page.getByLabel('Amount').focus();
    await page.keyboard.type('600');
    await page.keyboard.press('Enter');
    await page.getByText('was added to your wallet').waitFor();
    for (const [name, key] of [
      ['Shop', 'Enter'],
      ['Add to cart: A thing for fingers', 'Enter'],
      ['One more', 'Space'],
      ['Cart 2', 'Enter'],
      ['Place the order', 'Space'],
      ['Pay ₩600', 'Enter'],
    ] as const) {
      await page.getByRole('link', { name, exact: true }).or(button(page, name)).first().waitFor();
      await tabTo(page, name);
      await page.keyboard.press(key);
    }
    await page.getByText('Paid', { exact: true }).waitFor();
    expect(await walletOf('one without a mouse')).toEqual({ balance: 0, entries: 2 });
    expect(visitors.faults).toEqual([]);
  });

  it('tickets show the codes that open the door; one is given back, and one that was used says so', async () => {
    const page = await visitors.signUp('a guest', '/tickets');
    await page.getByText('No tickets yet').waitFor();
    const { id: showId, seats } = await makeShow(operator);
    const buyer = await buyerCalled('a guest');
    await page.goto('/wallet');
    await page.getByLabel('Amount').fill('2000');
    await button(page, /^Charge/).click();
    await page.getByText('was added to your wallet').waitFor();
    const { id: reservationId } = await reserve(buyer, showId, seats.slice(0, 2));
    await page.goto('/tickets');
    await link(page, 'Pay for them').waitFor();
    await pay(buyer, reservationId);
    await page.goto(`/tickets/${reservationId}`);
    const codes = page.locator('main code');
    await codes.nth(1).waitFor();
    const known = await ticketsOf({ buyer, reservationId });
    expect(await codes.allTextContents()).toEqual(known.map(({ code }) => code));
    expect(await page.getByRole('img', { name: 'Code of the ticket' }).count()).toBe(2);
    expect(await accessibilityFaults(page)).toEqual([]);
    await button(page, 'Give some back').click();
    await page.getByLabel('Give this one back').first().check();
    await button(page, 'Give 1 ticket back').click();
    await confirm(page).click();
    await codes.nth(1).waitFor({ state: 'detached' });
    expect(await walletOf('a guest')).toEqual({ balance: 1_000, entries: 3 });
    const code = (await codes.first().textContent()) as string;
    expect((await checkIn(operator, showId, code)).__typename).toBe('CheckedIn');
    await page.getByText(/^Used at/).waitFor();
    expect(visitors.faults).toEqual([]);
  });

  it('each page speaks Korean, has no serious fault for a screen reader, and says so when the server fails', async () => {
    const page = await visitors.signUp('한국 손님', '/shop', PHONE_KOREAN);
    const paths = ['/shop', '/shop/cart', '/shop/coupons', '/shop/orders', '/wallet', '/tickets', '/account'];
    for (const path of paths) {
      await page.goto(path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.waitForLoadState('networkidle');
      expect(await page.locator('html').getAttribute('lang')).toBe('ko');
      expect([path, await accessibilityFaults(page)]).toEqual([path, []]);
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), path).toBe(true);
    }
    await page.goto('/shop');
    await page.getByRole('heading', { name: '상점' }).waitFor();
    await page.route('**/graphql', (route) => route.abort());
    await page.getByRole('link', { name: '지갑' }).click();
    await page.getByRole('alert').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.unroute('**/graphql');
    await page.getByRole('button', { name: '다시 시도' }).click();
    await page.getByText('잔액', { exact: true }).waitFor();
    expect(visitors.faults).toEqual([]);
  });
});
