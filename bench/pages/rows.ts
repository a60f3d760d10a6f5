import { setTimeout as sleep } from 'node:timers/promises';
import { chromium, type Page } from 'playwright-core';
import { CHROMIUM } from '../../test/support/browser.ts';
import type { Measure, Row } from '../load/row.ts';
import { Servers } from '../load/servers.ts';
import { type BuyerOfOne, makeHouses } from '../purchase/buyers.ts';

const SEATS = 5_000;
/** How many buyers hold and release their seats, and how long each takes for both, in milliseconds. */
const BUSY = 200;
const ROUND_MS = 2_000;
const SECONDS = 15;

const RESERVE = 'mutation ($input: ReserveInput!) { reserve(input: $input) { ... on Reservation { id } } }';
const RELEASE = 'mutation ($id: ID!) { releaseReservation(id: $id) { __typename } }';
const WAY = 'query ($id: ID!) { show(id: $id) { concert { slug } } }';

/** What is promised of the pages, by name. */
export const PAGES_ROWS: Record<string, Measure> = { seats: measureSeats };

/** The longest task of a page whose map of 5,000 seats takes 200 changes a second. */
async function measureSeats(): Promise<Row[]> {
  if (!CHROMIUM) throw new Error('there is no chromium: npm run test:pages installs it where apt-get can');
  const servers = await Servers.open(1, { LOG_LEVEL: 'warn' });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  try {
    const { showId, buyers } = await makeHouses(servers, SEATS);
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
    await openMap(page, servers, showId);
    await page.evaluate(`
      globalThis.tasks = [];
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) tasks.push(duration);
      }).observe({ type: 'longtask' })`);
    const busy = buyers.filter((_, index) => index % (SEATS / BUSY) === 0);
    const end = performance.now() + SECONDS * 1_000;
    const changes = await Promise.all(busy.map((buyer) => change(servers.url, buyer, showId, end)));
    const longest = await page.evaluate<number>('Math.max(0, ...tasks)');
    const each = Math.round(changes.reduce((sum, count) => sum + count, 0) / SECONDS);
    return [
      {
        promise: `longest task of the page while a map of ${SEATS} seats takes ${each} changes a second`,
        yardstick: 'a task that people notice',
        measured: longest === 0 ? 'none over 50 ms' : `${longest.toFixed(0)} ms`,
        against: '50 ms',
        ...{ ratio: longest / 50, must: 1, goal: 1, unit: 'x', wanted: 'less' },
      },
    ];
  } finally {
    await browser.close();
    await servers.close();
  }
}

/** Signs up on the page, and waits until the map is drawn. */
async function openMap(page: Page, servers: Servers, showId: string): Promise<void> {
  const { show } = await ask<{ show: { concert: { slug: string } } }>(servers.url, WAY, { id: showId });
  const path = `/concerts/${show.concert.slug}/shows/${showId}`;
  await page.goto(new URL(`/sign-in?new&next=${encodeURIComponent(path)}`, servers.url).href);
  await page.locator('input[name=name]').fill('a spectator');
  await page.locator('input[name=password]').fill('a long password');
  await page.locator('button[type=submit]').click();
  await page.getByRole('grid').waitFor();
  await sleep(2_000);
}

/** Holds and releases one seat in turns. Answers how often the seat changed. */
async function change(url: string, { accessToken, seatId }: BuyerOfOne, showId: string, end: number): Promise<number> {
  let changes = 0;
  await sleep(Math.random() * ROUND_MS);
  while (performance.now() < end) {
    const start = performance.now();
    const input = { showId, seatIds: [seatId] };
    const { reserve } = await ask<{ reserve: { id: string } }>(url, RESERVE, { input }, accessToken);
    await sleep(ROUND_MS / 2);
    await ask(url, RELEASE, { id: reserve.id }, accessToken);
    changes += 2;
    await sleep(Math.max(0, ROUND_MS - (performance.now() - start)));
  }
  return changes;
}

async function ask<T>(url: string, query: string, variables: object, accessToken?: string): Promise<T> {
  const authorization = accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` };
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: T; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}
