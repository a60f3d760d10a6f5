import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cancelPayment, charge, eventually, makeShow, pay, reserve } from '../support/builders.ts';
import type { Buyer } from '../support/client.ts';
import { bodyOf, exportLink, open } from '../support/exports.ts';
import { newcomer, setRole } from '../support/sessions.ts';
import { makeProduct, payOrder, placeOrder } from '../support/shop.ts';
import { World } from '../support/world.ts';

const HEADER =
  'payment_id,time,user_id,user_name,status,amount,refunded,paid_for,paid_for_id,show_id,concert,venue,show_time,seats,order_lines,failure';

let world: World;
let operator: Buyer;
let buyer: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
  buyer = await world.buyer();
  await charge(buyer, 100_000);
});
afterAll(() => world.close());

/** The file of a filter, fetched at the other process without signing in. */
async function fileOf(filter: object = {}): Promise<string> {
  const { url } = await exportLink(operator, filter);
  const response = await open(world.urls[1] as string, url);
  expect(response.statusCode).toBe(200);
  return bodyOf(response);
}

async function statusOf(url: string, at = 0, method = 'GET'): Promise<number | undefined> {
  const response = await open(world.urls[at] as string, url, method);
  response.resume();
  return response.statusCode;
}

describe('the file', () => {
  it('has a line for each sale, oldest first, with times in TIME_ZONE, as RFC 4180 asks', async () => {
    await world.pool.query('update user_account set name = $2 where id = $1', [buyer.id, '=HYPERLINK("x")']);
    const show = await makeShow(operator, {
      seatCount: 3,
      venue: '+a hall, "the big one"\nupstairs',
      startsAt: '2030-07-04T10:00:00Z',
    });
    await world.pool.query(`update concert set title = '-1 night' where id = $1`, [show.concertId]);
    const held = await reserve(buyer, show.id, show.seats.slice(0, 2));
    const bought = (await pay(buyer, held.id)).id;
    const other = await reserve(buyer, show.id, show.seats.slice(2));
    const cancelled = (await pay(buyer, other.id)).id;
    await cancelPayment(buyer, cancelled);
    const product = await makeProduct(operator, { price: 10 });
    const placed = await placeOrder(buyer, { [product]: 2 });
    const ordered = (await payOrder(buyer, placed.id)).id;
    await world.pool.query(
      `update payment p set created_at = timestamptz '2030-01-01T15:00:00.999Z' + n * interval '1 second'
       from unnest($1::uuid[]) with ordinality as u (id, n) where p.id = u.id`,
      [[bought, cancelled, ordered]],
    );

    const who = `${buyer.id},"'=HYPERLINK(""x"")"`;
    const where = `${show.id},'-1 night,"'+a hall, ""the big one""\nupstairs",2030-07-04T19:00:00+09:00`;
    const labels = await seatLabels(show.seats);
    expect(await fileOf({ userId: buyer.id })).toBe(
      [
        `\ufeff${HEADER}`,
        `${bought},2030-01-02T00:00:01+09:00,${who},COMPLETED,2000,0,reservation,${held.id},${where},"${labels[0]}, ${labels[1]}",,`,
        `${cancelled},2030-01-02T00:00:02+09:00,${who},CANCELLED,1000,1000,reservation,${other.id},${where},${labels[2]},,`,
        `${ordered},2030-01-02T00:00:03+09:00,${who},COMPLETED,20,0,order,${placed.id},,,,,,1,`,
        '',
      ].join('\r\n'),
    );
  });

  it('has the sales that the filter selects, and only a header line when it selects none', async () => {
    const show = await makeShow(operator);
    const poor = await world.buyer();
    await pay(poor, (await reserve(poor, show.id, show.seats.slice(0, 1))).id);
    expect(await fileOf({ showId: show.id, status: 'COMPLETED' })).toBe(`\ufeff${HEADER}\r\n`);
    const [, line] = (await fileOf({ concertId: show.concertId, status: 'FAILED' })).split('\r\n');
    expect(line).toMatch(/,FAILED,1000,0,reservation,.*,INSUFFICIENT_BALANCE$/);
  });

  it('is sent as a file that nothing keeps', async () => {
    const response = await open(world.urls[0] as string, (await exportLink(operator)).url);
    expect(response.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="sales.csv"',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.resume();
  });

  it.each([
    ['=1+1', `'=1+1`],
    ['+1', `'+1`],
    ['-1', `'-1`],
    ['@sum', `'@sum`],
    ['\tx', `'\tx`],
    ['\rx', `"'\rx"`],
    ['a=1', 'a=1'],
    [' =1', ' =1'],
    [`'=1`, `'=1`],
    ['김"민수', '"김""민수"'],
  ])('the name %j is the cell %j', async (name, cell) => {
    const show = await makeShow(operator);
    const named = await world.buyer(1_000);
    await world.pool.query('update user_account set name = $2 where id = $1', [named.id, name]);
    await pay(named, (await reserve(named, show.id, show.seats.slice(0, 1))).id);
    expect(await fileOf({ userId: named.id })).toContain(`,${named.id},${cell},COMPLETED,`);
  });

  async function seatLabels(seatIds: string[]): Promise<string[]> {
    const { rows } = await world.pool.query('select label from seat where id = any($1) order by number', [seatIds]);
    return rows.map(({ label }) => label);
  }
});

describe('the link', () => {
  it('lasts a minute', async () => {
    const before = Date.now();
    const { expiresAt } = await exportLink(operator);
    expect(Date.parse(expiresAt) - before).toBeGreaterThan(50_000);
    expect(Date.parse(expiresAt) - Date.now()).toBeLessThanOrEqual(60_000);
  });

  it('works once: of 20 uses at once over two processes one gets the file, and none afterwards', async () => {
    const { url } = await exportLink(operator, { userId: buyer.id });
    const codes = await Promise.all(Array.from({ length: 20 }, (_, n) => statusOf(url, n % 2)));
    // Who finds a process busy with two uses is told to come again.
    expect(codes.filter((code) => code === 200)).toHaveLength(1);
    expect(codes.filter((code) => code !== 200 && code !== 403 && code !== 503)).toEqual([]);
    for (const at of [0, 1]) expect(await statusOf(url, at)).toBe(403);
    await eventually(() => world.processes.some(({ log }) => log().includes('"why":"replayed"')));
  });

  it('is refused when it is over, and that is logged', async () => {
    const { url } = await exportLink(operator);
    await world.pool.query(`update sales_export set expires_at = clock_timestamp() where used_at is null`);
    expect(await statusOf(url)).toBe(403);
    await world.pool.query(`delete from sales_export`);
    expect(await statusOf(url)).toBe(403);
    await eventually(() => (world.processes[0]?.log().match(/"why":"expired"/g) ?? []).length >= 2);
  });

  it('is refused once all sessions of who asked for it have ended', async () => {
    const person = await newcomer(world.urls[0] as string);
    await setRole(operator, person.id, 'OPERATOR');
    await person.enter('signIn');
    const { url } = await exportLink(person.buyer);
    await person.asUser('mutation { signOutEverywhere }');
    for (const at of [1, 0]) expect(await statusOf(url, at)).toBe(403);
    await eventually(() => world.processes[0]?.log().includes('"why":"signed out"') ?? false);
    await person.enter('signIn');
    expect(await statusOf((await exportLink(person.buyer)).url)).toBe(200);
  });

  it('is refused when any part of it is altered, added or missing, and the true one works after that', async () => {
    const { url } = await exportLink(operator, { userId: buyer.id });
    const altered = (change: (query: URLSearchParams) => void): string => {
      const parsed = new URL(url, 'http://localhost');
      change(parsed.searchParams);
      return `${parsed.pathname}${parsed.search}`;
    };
    const forged = [
      altered((query) => query.set('filter', '{}')),
      altered((query) => query.set('expires', new Date(Date.now() + 3_600_000).toISOString())),
      altered((query) => query.set('id', '00000000-0000-7000-8000-000000000000')),
      altered((query) => query.set('signature', `${query.get('signature')?.slice(0, -2)}AA`)),
      altered((query) => query.append('filter', '{}')),
      altered((query) => query.append('signature', 'x')),
      ...['id', 'expires', 'filter', 'signature'].map((name) => altered((query) => query.delete(name))),
      '/exports/sales',
      '/exports/sales?signature=',
    ];
    for (const link of forged) expect(await statusOf(link), link).toBe(403);
    const { rows } = await world.pool.query('select used_at from sales_export order by created_at desc limit 1');
    expect(rows).toEqual([{ used_at: null }]);
    expect(await statusOf(url)).toBe(200);
    expect(world.processes[0]?.log()).toContain('"why":"forged"');
    expect(world.processes[0]?.log()).not.toContain('signature=');
  });

  it('is not signed by the key of access tokens, and the same at every process', async () => {
    const { rows } = await world.pool.query(`select count(*)::int as n from setting where name = 'export-secret'`);
    expect(rows).toEqual([{ n: 1 }]);
  });

  it('is not used up by a look at its head, and is for GET alone', async () => {
    const { url } = await exportLink(operator);
    expect(await statusOf(url, 0, 'HEAD')).toBe(404);
    expect(await statusOf(url, 0, 'POST')).toBe(404);
    expect(await statusOf(url)).toBe(200);
  });

  it('is made for operators only, of a filter that is right', async () => {
    const query = 'mutation ($filter: SalesFilter) { exportSales(input: { filter: $filter }) { url } }';
    const { rows } = await world.pool.query('select count(*)::int as n from sales_export');
    expect(await buyer.fail(query)).toBe('FORBIDDEN');
    for (const filter of [{ showId: 'x' }, { from: '2030-01-02T00:00:00Z', to: '2030-01-01T00:00:00Z' }])
      expect(await operator.fail(query, { filter })).toBe('BAD_USER_INPUT');
    expect((await world.pool.query('select count(*)::int as n from sales_export')).rows).toEqual(rows);
  });
});
