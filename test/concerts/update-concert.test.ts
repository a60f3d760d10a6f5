import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Buyer, type Data, post } from '../support/client.ts';
import { World } from '../support/world.ts';

const FIELDS = 'id title artist description imageUrl slug';
const CREATE = `mutation ($input: CreateConcertInput!) { createConcert(input: $input) { ${FIELDS} } }`;
const UPDATE = `mutation ($input: UpdateConcertInput!) { updateConcert(input: $input) {
  ... on Concert { ${FIELDS} } } }`;
const BY_SLUG = `query ($slug: String!) { concertBySlug(slug: $slug) { ${FIELDS} } }`;

let world: World;
let operator: Buyer;
beforeAll(async () => {
  world = await World.open();
  operator = await world.operator();
});
afterAll(() => world.close());

const there = (): Buyer => operator.at(world.urls[1] as string);
const create = async (input: object): Promise<Data> => (await operator.get(CREATE, { input })).createConcert;
const mend = async (input: object): Promise<Data> => (await there().get(UPDATE, { input })).updateConcert;
/** As somebody who is not signed in asks. */
const bySlug = async (slug: string): Promise<Data> =>
  (await post(world.urls[1] as string, BY_SLUG, { slug })).data.concertBySlug;

it('a concert keeps artist, image and slug, and anybody finds it by its slug', async () => {
  const input = {
    title: 'A Night',
    artist: 'The Band',
    imageUrl: 'https://img.example.com/a.png?w=1',
    slug: 'a-night-in',
  };
  const made = await create(input);
  expect(made).toEqual({ id: made.id, description: '', ...input });
  expect(await bySlug('a-night-in')).toEqual(made);
  expect(await bySlug('a-night')).toBeNull();
});

it('a slug is made from the title, in letters of any script, with a number behind it where it is taken', async () => {
  const titles = [
    '아이유 콘서트: 골든 아워!',
    '아이유 콘서트 — 골든아워',
    '  Éclair  &  Ñandú (Live) ',
    '🎉🎉',
    'ＦＵＬＬ ｗｉｄｔｈ',
  ];
  const slugs = [];
  for (const title of titles) slugs.push((await create({ title })).slug);
  expect(slugs).toEqual([
    '아이유-콘서트-골든-아워',
    '아이유-콘서트-골든아워',
    'éclair-ñandú-live',
    'concert',
    'full-width',
  ]);
  const decomposed = '아이유 콘서트: 골든 아워!'.normalize('NFD');
  expect((await create({ title: decomposed })).slug).toBe('아이유-콘서트-골든-아워-2');
  const long = await create({ title: '각'.repeat(40) });
  expect(await bySlug(long.slug.normalize('NFD'))).toEqual(long);
  expect((await create({ title: 'w'.repeat(200) })).slug).toBe('w'.repeat(80));
  expect((await bySlug('éclair-ñandú-live'.normalize('NFD'))).slug).toBe('éclair-ñandú-live');
});

it('40 concerts of one title that are made at once over two processes all get slugs of their own', async () => {
  const made: Data[] = await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      operator.at(world.urls[index % 2] as string).get(CREATE, { input: { title: 'The Same' } }),
    ),
  );
  const slugs = new Set(made.map(({ createConcert }) => createConcert.slug));
  expect(slugs).toEqual(new Set(['the-same', ...Array.from({ length: 39 }, (_, index) => `the-same-${index + 2}`)]));
});

it('an update changes what it names; null takes the image away; the slug stays when the title changes', async () => {
  const made = await create({ title: 'Befor', artist: 'X', description: 'd', imageUrl: '/images/a.png' });
  expect(await mend({ id: made.id, title: 'Before' })).toEqual({ ...made, title: 'Before' });
  expect(await mend({ id: made.id, imageUrl: null, artist: '' })).toMatchObject({
    imageUrl: null,
    artist: '',
    description: 'd',
  });
  expect(await mend({ id: made.id, slug: 'before' })).toMatchObject({ title: 'Before', slug: 'before' });
  expect([await bySlug('befor'), (await bySlug('before')).id]).toEqual([null, made.id]);
  expect(await mend({ id: made.id, slug: 'before' })).toMatchObject({ slug: 'before' });
});

it('what cannot be text, image or slug of a concert is BAD_USER_INPUT, and nothing changes', async () => {
  const made = await create({ title: 'Whole' });
  await create({ title: 'Taken' });
  const count = async (): Promise<number> => (await world.pool.query('select from concert')).rowCount ?? 0;
  const before = await count();
  const wrong = [
    { title: '' },
    { title: 't'.repeat(201) },
    { artist: 'a'.repeat(201) },
    { description: 'a\0b' },
    ...['http://example.com/a.png', '//example.com/a.png', 'javascript:alert(1)', 'a.png', 'https://', '', '/a b.png'],
    ...['https://me:secret@example.com/a.png', '/\\example.com', '/../\t/a', `/${'a'.repeat(2_000)}`],
    ...['/\\/example.com/', 'data:image/png;base64,AAAA'],
  ].map((one) => (typeof one === 'string' ? { imageUrl: one } : one));
  const slugs = ['', '-', 'a--b', '-a', 'a-', 'A', 'a b', 'a/b', 'a.b', 'é'.repeat(101), 'taken'].map((slug) => ({
    slug,
  }));
  for (const input of [...wrong, ...slugs]) {
    expect([input, await operator.fail(CREATE, { input: { title: 'New', ...input } })]).toEqual([
      input,
      'BAD_USER_INPUT',
    ]);
    expect([input, await operator.fail(UPDATE, { input: { id: made.id, ...input } })]).toEqual([
      input,
      'BAD_USER_INPUT',
    ]);
  }
  for (const input of [{ title: null }, { artist: null }, { description: null }, { slug: null }])
    expect(await operator.fail(UPDATE, { input: { id: made.id, ...input } })).toBe('BAD_USER_INPUT');
  expect(await operator.fail(UPDATE, { input: { id: randomUUID(), title: 'New' } })).toBe('NOT_FOUND');
  expect(await operator.fail(UPDATE, { input: { id: 'x', title: 'New' } })).toBe('BAD_USER_INPUT');
  expect(await bySlug('whole')).toEqual(made);
  expect(await count()).toBe(before);
});
