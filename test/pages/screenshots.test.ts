import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPages, DESKTOP_ENGLISH, PHONE_KOREAN, Visitors } from '../support/browser.ts';
import { makeQueue, makeShow, pay, reserve } from '../support/builders.ts';
import { adjustWallet } from '../support/charges.ts';
import type { Buyer } from '../support/client.ts';
import { line, update } from '../support/places.ts';
import { makeCoupon, makeProduct } from '../support/shop.ts';
import { World } from '../support/world.ts';

/** Where the pictures are put. Only `npm run screenshots` takes them. */
const FOLDER = 'dist/screenshots';

const SECTIONS = [
  { name: 'Floor', price: 120_000, seatCount: 100, seatsPerRow: 20 },
  { name: 'West', price: 80_000, seatCount: 50, seatsPerRow: 10 },
  { name: 'East', price: 80_000, seatCount: 50, seatsPerRow: 10 },
  { name: 'Balcony', price: 60_000, seatCount: 100, seatsPerRow: 25 },
];

const LONG = 'The Very Long Farewell Tour of the Orchestra of the Northern Provinces, with Guests from Everywhere';

describe('pictures of the pages', () => {
  let world: World;
  let operator: Buyer;
  let visitors: Visitors;

  beforeAll(async () => {
    buildPages();
    mkdirSync(FOLDER, { recursive: true });
    world = await World.open({ processes: 1, env: { DEMO_DATA: 'on', BALANCE_LIMIT: '99999999999' } });
    operator = await world.operator();
    visitors = await Visitors.open(world);
  });

  afterAll(async () => {
    await visitors?.close();
    await world?.close();
  });

  async function concertOf(input: object): Promise<{ id: string; path: string }> {
    const made = 'mutation ($input: CreateConcertInput!) { createConcert(input: $input) { id slug } }';
    const { id, slug } = (await operator.get(made, { input })).createConcert;
    return { id, path: `/concerts/${slug}` };
  }

  for (const [tag, options] of [
    ['phone-light-ko', PHONE_KOREAN],
    ['desktop-dark-en', DESKTOP_ENGLISH],
  ] as [string, BrowserContextOptions][]) {
    const primary = (page: Page) => page.locator('main .button.primary').first();

    async function picture(page: Page, name: string): Promise<void> {
      await page.waitForLoadState('networkidle');
      await page.waitForTimeout(400);
      await page.screenshot({ path: join(FOLDER, `${name}-${tag}.png`), fullPage: true });
    }

    it(`each page, ${tag}`, async () => {
      const guest = await visitors.visit('/', options);
      await picture(guest, 'concerts');
      await guest.goto('/nothing/here');
      await picture(guest, 'not-found');
      await guest.goto('/sign-in');
      await guest.locator('input[name=name]').fill('nobody');
      await guest.locator('input[name=password]').fill('a wrong password');
      await primary(guest).click();
      await guest.getByRole('alert').waitFor();
      await picture(guest, 'sign-in-refused');

      const queueId = await makeQueue(operator, { capacity: 0 });
      const queued = await concertOf({
        title: `Midnight Parade ${tag}`,
        artist: 'Midnight Parade',
        description: 'Lanterns, brass and a moon: the band plays its last three nights of the year.',
        imageUrl: '/pictures/midnight-parade.svg',
        queueId,
      });
      await makeShow(operator, { concertId: queued.id, venue: 'Olympic Hall', sections: SECTIONS });
      const long = await concertOf({ title: LONG, artist: LONG, imageUrl: '/pictures/open-air.svg' });
      await makeShow(operator, { concertId: long.id, venue: LONG.slice(0, 80), price: 1_000_000_000 });

      const page = await visitors.signUp(`누군가 Somebody ${tag}`, queued.path, options);
      await picture(page, 'concert');
      await page.goto(long.path);
      await picture(page, 'concert-long');
      await page.goto('/tickets');
      await picture(page, 'tickets-empty');
      await page.goto(`${queued.path}/waiting`);
      await primary(page).waitFor();
      await picture(page, 'queue-enter');
      await line(await world.buyers(41), queueId);
      await primary(page).click();
      await page.getByTestId('position').waitFor();
      await line(await world.buyers(12), queueId);
      await update(operator, queueId, { capacity: 7 });
      await page.waitForTimeout(4_000);
      await picture(page, 'queue-waiting');
      await update(operator, queueId, { state: 'PAUSED' });
      await page.locator('.notice.warn').waitFor();
      await picture(page, 'queue-paused');
      await page.context().setOffline(true);
      await page.locator('.notice.bad').waitFor();
      await page.screenshot({ path: join(FOLDER, `queue-offline-${tag}.png`) });
      await page.context().setOffline(false);
      await update(operator, queueId, { state: 'OPEN', capacity: 100 });
      await page.locator('a[href*="/shows/"]').first().waitFor();
      await picture(page, 'turn');

      const open = await concertOf({ title: `Open Air ${tag}`, imageUrl: '/pictures/open-air.svg' });
      const hall = await makeShow(operator, { concertId: open.id, venue: 'Riverside Stage', sections: SECTIONS });
      // The fifth row of the floor stays free.
      const blocks = [0, 1, 2, 3, 4, 5, 9, 10, 12, 13, 15, 16, 18, 19, 20, 21, 23];
      const others = await world.buyers(blocks.length, 10_000_000);
      for (const [order, index] of blocks.entries()) {
        const other = others[order] as Buyer;
        const seats = hall.seats.slice(index * 12, index * 12 + 1 + (index % 4) * 2);
        const { id } = await reserve(other, hall.id, seats);
        if (index % 3 !== 0) await pay(other, id);
      }
      await page.goto(`${open.path}/shows/${hall.id}`);
      await page.getByRole('grid').focus();
      for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowDown']) await page.keyboard.press(key);
      for (let seats = 0; seats < 3; seats++) {
        await page.keyboard.press('ArrowRight');
        await page.keyboard.press('Enter');
      }
      await page.getByRole('grid').blur();
      await picture(page, 'seats');
      await reserve(await world.buyer(), hall.id, hall.seats.slice(80, 84));
      await page.waitForTimeout(1_500);
      await picture(page, 'seats-lost');
      await page.locator('main .stepper ~ button, main section:last-of-type > .button.wide').last().click();
      await page.waitForURL('**/reservations/*');
      await picture(page, 'pay-charge');
      await primary(page).click();
      await page.waitForTimeout(1_500);
      await picture(page, 'pay');
      await primary(page).click();
      await page.waitForTimeout(1_500);
      await picture(page, 'paid');
      for (const path of ['/tickets', '/wallet', '/shop', '/shop/cart', '/shop/coupons', '/shop/orders', '/account']) {
        await page.goto(path);
        await picture(page, path.slice(1).replaceAll('/', '-'));
      }
      await page.goto('/tickets');
      await page.locator('main a[href^="/tickets/"]').first().click();
      await picture(page, 'ticket');
      expect(visitors.faults).toEqual([]);
    });

    it(`the shop and the wallet, with long names and many digits, ${tag}`, async () => {
      const dear = await makeProduct(operator, { name: LONG, category: 'clothes', price: 1_000_000_000, stock: 3 });
      const scarce = await makeProduct(operator, { name: 'Last Poster', description: 'Signed', stock: 1 });
      await makeCoupon(operator, { name: `${LONG}: a coupon`, quantity: 1 });
      const page = await visitors.signUp(`쇼핑하는 사람 Somebody ${tag}`, '/shop/coupons', options);
      await primary(page).click();
      await page.locator('main .notice.good').waitFor();
      await picture(page, 'coupon-claimed');
      const lines = JSON.stringify([
        { productId: dear, quantity: 9 },
        { productId: scarce, quantity: 2 },
      ]);
      await page.evaluate(`localStorage.setItem('onsale.cart', '${lines}')`);
      await page.goto('/shop/cart');
      await page.locator('input[type=radio]').last().check();
      await primary(page).click();
      await page.getByRole('alert').waitFor();
      await picture(page, 'cart-refused');
      await page.getByRole('alert').getByRole('button').click();
      await primary(page).click();
      await page.waitForURL('**/shop/orders/*');
      await picture(page, 'order-unpaid');
      const order = page.url();
      await primary(page).click();
      await picture(page, 'wallet-missing');
      const { rows } = await world.pool.query('select user_id as id from shop_order order by created_at desc limit 1');
      await adjustWallet(operator, rows[0].id, 3_000_999_500);
      await page.goto(order);
      await primary(page).click();
      await page.locator('main .badge.good').waitFor();
      await picture(page, 'order-paid');
      await page.locator('main section .row .button').last().click();
      await page.screenshot({ path: join(FOLDER, `order-give-back-${tag}.png`) });
      await page.goto('/wallet');
      await picture(page, 'wallet-history');
      expect(visitors.faults).toEqual([]);
    });

    it(`each page while the server fails, ${tag}`, async () => {
      const queueId = await makeQueue(operator, { capacity: 1 });
      const { id: concertId, path } = await concertOf({ title: `Out of Order ${tag}`, queueId });
      const { id: showId } = await makeShow(operator, { concertId, sections: SECTIONS });
      const page = await visitors.signUp(`길 잃은 사람 Somebody ${tag}`, '/account', options);
      const unavailable = { message: 'Try again.', extensions: { code: 'SERVICE_UNAVAILABLE' } };
      // Who somebody is can be told, all else cannot.
      await page.route('**/graphql', (route) =>
        /RenewSession|"operationName":"Settings"/.test(route.request().postData() ?? '')
          ? route.continue()
          : route.fulfill({ status: 503, json: { errors: [unavailable] } }),
      );
      for (const [name, at] of [
        ['concerts', '/'],
        ['concert', path],
        ['queue', `${path}/waiting`],
        ['seats', `${path}/shows/${showId}`],
        ['pay', `/reservations/${showId}`],
        ['tickets', '/tickets'],
        ['ticket', `/tickets/${showId}`],
        ['wallet', '/wallet'],
        ['shop', '/shop'],
        ['coupons', '/shop/coupons'],
        ['orders', '/shop/orders'],
        ['order', `/shop/orders/${showId}`],
      ] as const) {
        await page.goto(at);
        await page.getByRole('alert').first().waitFor();
        await picture(page, `${name}-failing`);
      }
      expect(visitors.faults).toEqual([]);
    });
  }
});
