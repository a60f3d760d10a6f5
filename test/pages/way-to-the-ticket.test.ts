import { hash } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  accessibilityFaults,
  buildPages,
  CHROMIUM,
  DESKTOP_ENGLISH,
  PHONE_KOREAN,
  Visitors,
} from '../support/browser.ts';
import { eventually, makeQueue, makeShow, reserve } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { line, update } from '../support/places.ts';
import { TcpProxy } from '../support/proxy.ts';
import { scratchFolder } from '../support/scratch.ts';
import { World } from '../support/world.ts';

describe.skipIf(!CHROMIUM)('the way to the ticket', () => {
  let world: World;
  let operator: Buyer;
  let visitors: Visitors;

  beforeAll(async () => {
    buildPages();
    world = await World.open({ processes: 2 });
    operator = await world.operator();
    visitors = await Visitors.open(world);
  });

  afterAll(async () => {
    await visitors?.close();
    await world?.close();
  });

  /** A show behind a queue, and the path of its concert. */
  async function queuedShow(capacity: number, input: Record<string, unknown> = {}) {
    const queueId = await makeQueue(operator, { capacity, awaySeconds: 600 });
    const show = await makeShow(operator, input, queueId);
    return { ...show, queueId, path: await pathOf(show.concertId) };
  }

  async function pathOf(concertId: string): Promise<string> {
    const { concert } = await operator.get('query ($id: ID!) { concert(id: $id) { slug } }', { id: concertId });
    return `/concerts/${concert.slug}`;
  }

  const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });
  const positionOf = (page: Page) => page.getByTestId('position').textContent();
  const enter = (page: Page) => button(page, 'Enter the queue').click();

  it('a buyer waits, is admitted, holds seats, charges the wallet, pays, and has the tickets', async () => {
    const { queueId, path } = await queuedShow(0);
    await line(await world.buyers(2), queueId);
    const page = await visitors.signUp('a buyer', path);
    await page.getByRole('link', { name: 'Get tickets' }).click();
    await enter(page);
    expect(await positionOf(page)).toBe('3');
    expect(await page.title()).toMatch(/^#3/);
    expect(await accessibilityFaults(page)).toEqual([]);
    await update(operator, queueId, { capacity: 3 });
    await page.getByRole('link', { name: 'Choose seats' }).click();
    const map = page.getByRole('grid', { name: 'Seat map' });
    await map.focus();
    for (const key of ['ArrowDown', 'Enter', 'ArrowRight', 'Enter']) await page.keyboard.press(key);
    expect(await accessibilityFaults(page)).toEqual([]);
    await button(page, 'Hold these seats').click();
    await page.getByText('Your seats are held for you.').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await button(page, /^Charge/).click();
    await button(page, /^Pay/).click();
    await page.getByText('Paid. Enjoy the show!').waitFor();
    await page.getByRole('link', { name: 'See my tickets' }).click();
    await page.getByRole('img').nth(1).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    const { rows } = await world.pool.query('select count(*)::int as sold from ticket');
    expect(rows).toEqual([{ sold: 2 }]);
    expect(visitors.faults).toEqual([]);
  });

  it('who lets a hold lapse pays nothing, is told so, and holds and pays again', async () => {
    const show = await makeShow(operator, { seatCount: 10 });
    const page = await visitors.signUp('one who dreams', `${await pathOf(show.concertId)}/shows/${show.id}`);
    await button(page, 'Find seats').click();
    await button(page, /^Charge/).click();
    await button(page, /^Pay/).waitFor();
    const lapse = async (table: string, key: string): Promise<void> => {
      const ids = `select id from reservation where show_id = $1`;
      const text = `update ${table} set expires_at = clock_timestamp() - interval '1 second' where ${key} in (${ids})`;
      await world.pool.query(text, [show.id]);
    };
    await lapse('hold', 'reservation_id');
    await lapse('reservation', 'id');
    await button(page, /^Pay/).click();
    await page.getByText('The hold is over').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('link', { name: 'Choose seats again' }).click();
    await button(page, 'Find seats').click();
    await button(page, /^Pay/).click();
    await page.getByText('Paid. Enjoy the show!').waitFor();
    const { rows } = await world.pool.query(
      `select status, count(*)::int from payment where reservation_id in (select id from reservation where show_id = $1)
       group by status order by status`,
      [show.id],
    );
    expect(rows).toEqual([
      { status: 'COMPLETED', count: 1 },
      { status: 'FAILED', count: 1 },
    ]);
  });

  it('the whole purchase goes by keyboard alone', async () => {
    const { path } = await queuedShow(1);
    const page = await visitors.visit('/');
    /** Moves on by Tab until what has the focus is called so. */
    const tabTo = async (name: RegExp): Promise<void> => {
      for (let steps = 0; steps < 60; steps++) {
        await page.keyboard.press('Tab');
        const text = await page.evaluate<string>(
          '[document.activeElement.ariaLabel, document.activeElement.textContent, document.activeElement.name].join(" ")',
        );
        if (name.test(text)) return;
      }
      throw new Error(`no Tab leads to ${name}`);
    };
    const press = async (name: RegExp): Promise<void> => {
      await tabTo(name);
      await page.keyboard.press('Enter');
    };
    await page.getByRole('link', { name: 'a concert' }).first().waitFor();
    await page.goto(path);
    await page.getByRole('link', { name: 'Get tickets' }).waitFor();
    await press(/Get tickets/);
    await page.waitForURL('**/sign-in*');
    await press(/No account yet/);
    await tabTo(/name$/);
    await page.keyboard.type('without a mouse');
    await page.keyboard.press('Tab');
    await page.keyboard.type('a long password');
    await page.keyboard.press('Enter');
    await button(page, 'Enter the queue').waitFor();
    await press(/Enter the queue/);
    await page.getByRole('link', { name: 'Choose seats' }).waitFor();
    await press(/Choose seats/);
    await page.getByRole('grid').waitFor();
    await tabTo(/Seat map/);
    for (const key of ['End', 'ArrowDown', ' ']) await page.keyboard.press(key);
    await press(/Hold these seats/);
    await button(page, /^Charge/).waitFor();
    await press(/Charge ₩/);
    await button(page, /^Pay/).waitFor();
    await press(/Pay ₩/);
    await page.getByText('Paid. Enjoy the show!').waitFor();
    await press(/See my tickets/);
    await page.getByRole('img').first().waitFor();
  });

  it('of two buyers who want one seat one gets it, and the other is offered seats nearby', async () => {
    const show = await makeShow(operator);
    const path = `${await pathOf(show.concertId)}/shows/${show.id}`;
    const [one, other] = await Promise.all([visitors.signUp('first', path), visitors.signUp('second', path)]);
    // Nobody sees on the map what the other picks: the second buyer hears of it from the server's refusal.
    for (const page of [one, other]) {
      await page.getByRole('grid').focus();
      for (const key of ['ArrowRight', 'Enter']) await page.keyboard.press(key);
    }
    await Promise.all([one, other].map((page) => button(page, 'Hold these seats').click()));
    const isHeld = (page: Page) => page.url().includes('/reservations/');
    await eventually(async () => isHeld(one) !== isHeld(other));
    const slower = isHeld(one) ? other : one;
    await slower.getByText('somebody else was faster').waitFor();
    expect(await accessibilityFaults(slower)).toEqual([]);
    await button(slower, 'Take these instead').click();
    await slower.getByText('Your seats are held for you.').waitFor();
    const { rows } = await world.pool.query('select distinct seat_id from hold');
    expect(rows.length).toBeGreaterThanOrEqual(2);
    expect(visitors.faults).toEqual([]);
  });

  it('a seat that is picked and then taken by somebody else is no longer picked, and others are offered', async () => {
    const show = await makeShow(operator);
    const page = await visitors.signUp('a slow one', `${await pathOf(show.concertId)}/shows/${show.id}`);
    await page.getByRole('grid').focus();
    await page.keyboard.press('Enter');
    await button(page, /^Remove/).waitFor();
    await reserve(await world.buyer(), show.id, [show.seats[0] as string]);
    await page.getByText('somebody else was faster').waitFor();
    await eventually(async () => (await button(page, /^Remove/).count()) === 0);
    expect(visitors.faults).toEqual([]);
  });

  it('a reload and a second tab show the place that there is, and never enter anew', async () => {
    const { queueId, path } = await queuedShow(0);
    const page = await visitors.signUp('one who reloads', `${path}/waiting`);
    await enter(page);
    expect(await positionOf(page)).toBe('1');
    await line(await world.buyers(1), queueId);
    await page.reload();
    expect(await positionOf(page)).toBe('1');
    const tab = await page.context().newPage();
    await tab.goto(`${path}/waiting`);
    expect(await positionOf(tab)).toBe('1');
    await button(tab, 'Give up my place').click();
    await tab.getByRole('alertdialog').getByRole('button', { name: 'Give up my place' }).click();
    await tab.getByText('You gave up your place.').waitFor();
    await page.reload();
    await page.getByText('You gave up your place.').waitFor();
    const { queue } = await operator.get('query ($id: ID!) { queue(id: $id) { stats { entered waiting } } }', {
      id: queueId,
    });
    expect(queue.stats).toEqual({ entered: 2, waiting: 1 });
  });

  it('while the queue is paused the page says so, and goes on by itself', async () => {
    const { queueId, path } = await queuedShow(0);
    const page = await visitors.signUp('a patient one', `${path}/waiting`);
    await enter(page);
    await page.getByText('As many people as fit').waitFor();
    await update(operator, queueId, { state: 'PAUSED' });
    await page.getByText('has paused the queue').waitFor();
    await update(operator, queueId, { state: 'OPEN', capacity: 1 });
    await page.getByRole('heading', { name: 'It is your turn' }).waitFor();
    expect(await page.title()).toContain('It is your turn');
  });

  it('a lost connection is said, the place is kept, and the page goes on when it is back', async () => {
    const { path } = await queuedShow(0);
    const proxy = await TcpProxy.open(world.urls[0] as string);
    const origin = new URL(proxy.through(world.urls[0] as string)).origin;
    const page = await visitors.signUp('one in a tunnel', `${path}/waiting`, DESKTOP_ENGLISH, origin);
    await enter(page);
    expect(await positionOf(page)).toBe('1');
    await proxy.refuse();
    await page.getByText('The connection is lost').waitFor();
    expect(await positionOf(page)).toBe('1');
    await proxy.heal();
    await page.getByText('As many people as fit').waitFor();
    expect(await page.getByText('The connection is lost').count()).toBe(0);
  });

  it('a process that is killed takes nobody’s place: the page goes on with the one that follows', async () => {
    const { queueId, path } = await queuedShow(0);
    const first = await world.startProcess();
    const page = await visitors.signUp(
      'one in bad luck',
      `${path}/waiting`,
      DESKTOP_ENGLISH,
      new URL(first.url).origin,
    );
    await enter(page);
    expect(await positionOf(page)).toBe('1');
    await first.stop('SIGKILL');
    await page.getByText('The connection is lost').waitFor();
    await world.startProcess({ PORT: new URL(first.url).port });
    await page.getByText('As many people as fit').waitFor();
    expect(await positionOf(page)).toBe('1');
    await update(operator, queueId, { capacity: 1 });
    await page.getByRole('heading', { name: 'It is your turn' }).waitFor();
  });

  it('where WebSockets are blocked the page asks, as often as the server says, and hears of the turn', async () => {
    const { queueId, path } = await queuedShow(0);
    const page = await visitors.visit('/', DESKTOP_ENGLISH);
    await page.context().routeWebSocket(/graphql/, (socket) => void socket.close());
    await page.goto(`/sign-in?new&next=${path}/waiting`);
    await page.locator('input[name=name]').fill('behind a proxy');
    await page.locator('input[name=password]').fill('a long password');
    await page.locator('button[type=submit]').click();
    await enter(page);
    await page.getByText('blocks live updates').waitFor();
    await update(operator, queueId, { capacity: 1 });
    await page.getByRole('heading', { name: 'It is your turn' }).waitFor();
  });

  it('a device whose clock is wrong counts down by the server’s', async () => {
    const show = await makeShow(operator);
    const path = `${await pathOf(show.concertId)}/shows/${show.id}`;
    const page = await visitors.signUp('one with a cheap watch', '/');
    await page.addInitScript('const right = Date.now; Date.now = () => right() + 600_000;');
    await page.goto(path);
    await button(page, 'Find seats').click();
    await page.getByText('Your seats are held for you.').waitFor();
    expect(await page.getByRole('timer').textContent()).toMatch(/^(5:0[01]|4:[345]\d)$/);
  });

  it('where only listed documents are served, the pages are, and a reload stays signed in', async () => {
    const folder = await scratchFolder('onsale-listed-');
    const list = join(folder, 'list.json');
    const query = '{ settings { currency } }';
    await writeFile(list, JSON.stringify({ [hash('sha256', query)]: query }));
    const listed = await world.startProcess({ TRUSTED_DOCUMENTS: list });
    // The buyers of other tests ask for what is not on the list.
    world.processes.pop();
    const page = await visitors.signUp('one of the list', '/tickets', DESKTOP_ENGLISH, new URL(listed.url).origin);
    await page.reload();
    await page.getByRole('link', { name: 'one of the list' }).waitFor();
    await page.getByRole('heading', { level: 1 }).waitFor();
    await listed.stop();
    await rm(folder, { recursive: true });
  });

  it('a link to sign in leads to no other site', async () => {
    const page = await visitors.signUp('a careful one', '/');
    for (const next of [
      '//example.com/',
      '/\\example.com/',
      '/\t/example.com/',
      '/.//example.com/',
      'https://example.com/',
      'javascript:alert(1)',
    ]) {
      await page.goto(`/sign-in?next=${encodeURIComponent(next)}`);
      await page.getByRole('heading', { name: 'Concerts' }).waitFor();
      expect([next, page.url()]).toEqual([next, `${new URL(world.urls[0] as string).origin}/`]);
    }
  });

  it('while numbers change nothing moves in the waiting room', async () => {
    const { queueId, path } = await queuedShow(0);
    await line(await world.buyers(120), queueId);
    const page = await visitors.signUp('one who reads', `${path}/waiting`);
    await enter(page);
    expect(await positionOf(page)).toBe('121');
    await page.evaluate(`
      globalThis.shifts = [];
      new PerformanceObserver((list) => {
        for (const { value } of list.getEntries()) shifts.push(value);
      }).observe({ type: 'layout-shift' })`);
    for (const capacity of [25, 60, 112]) {
      await update(operator, queueId, { capacity });
      await eventually(async () => (await positionOf(page)) === String(121 - capacity));
    }
    expect(await page.evaluate('shifts.reduce((sum, each) => sum + each, 0)')).toBeLessThan(0.01);
  });

  it('the first page loads at most 200 KB of script, with its language, and says without script what is missing', async () => {
    const page = await visitors.visit('/', PHONE_KOREAN);
    await page.getByRole('heading', { level: 1 }).waitFor();
    const bytes = await page.evaluate<number>(`
      performance.getEntriesByType('resource')
        .filter(({ name }) => name.endsWith('.js'))
        .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)`);
    expect(bytes).toBeGreaterThan(50_000);
    expect(bytes).toBeLessThan(200_000);
    const plain = await visitors.visit('/', { ...PHONE_KOREAN, javaScriptEnabled: false });
    expect(await plain.locator('body').textContent()).toContain('자바스크립트를 켜 주세요');
  });

  it('speaks Korean to a phone in Korea, and has no serious fault for a screen reader', async () => {
    const { path } = await queuedShow(1);
    for (const at of ['/', path, '/sign-in', '/nothing/here']) {
      const page = await visitors.visit(at, PHONE_KOREAN);
      await page.getByRole('heading', { level: 1 }).waitFor();
      expect(await page.locator('html').getAttribute('lang')).toBe('ko');
      expect(await page.getByRole('navigation').textContent()).toContain('공연');
      expect([at, await accessibilityFaults(page)]).toEqual([at, []]);
      await page.context().close();
    }
    expect(visitors.faults).toEqual([]);
  });
});
