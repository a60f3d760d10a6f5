import type { EntityManager } from '@mikro-orm/core';
import { Field, ID, InputType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { idOf, textOf } from '../api/input.ts';
import { badInput, notFound } from '../api/problems.ts';
import { run, type Verb } from '../commands/runner.ts';
import { newId } from '../platform/ids.ts';
import { forkOf } from '../platform/platform.ts';
import { sql } from '../platform/postgres.ts';
import { Queue } from '../queue/queue.ts';
import { Concert, freeSlug, MAX_SLUG, slugFrom } from './concert.ts';

@InputType({ description: 'Texts of a new concert, and the queue in front of it' })
export class CreateConcertInput {
  @Field(() => String, { description: '1 .. 200 characters' })
  title!: string;

  @Field(() => String, { defaultValue: '', description: 'At most 10,000 characters' })
  description!: string;

  @Field(() => String, { defaultValue: '', description: 'Who performs: at most 200 characters' })
  artist!: string;

  @Field(() => String, {
    nullable: true,
    description: 'An https URL, or a path of the site that shows the concert: at most 2,000 characters',
  })
  imageUrl?: string | null;

  @Field(() => String, {
    nullable: true,
    description: `Names the concert in URLs: words of lower-case letters and digits joined by hyphens, 1 .. 100 characters. Left out:
made from the title, with a number behind it where it is taken`,
  })
  slug?: string | null;

  @Field(() => ID, { nullable: true, description: 'Id of the queue in front of the concert; left out: nobody waits' })
  queueId?: string | null;
}

interface NewConcert extends Pick<Concert, 'title' | 'description' | 'artist' | 'imageUrl' | 'queueId'> {
  /** As it was asked for; null to make one. */
  readonly slug: string | null;
}

/** Name of the lock under which slugs are given. */
export const SLUGS = 'slugs';

const CREATE_CONCERT: Verb<NewConcert, Concert, undefined, Set<string>> = {
  name: 'createConcert',
  contends: () => [SLUGS],

  async prepare(platform, concerts) {
    const ids = concerts.flatMap(({ queueId }) => queueId ?? []);
    const queues = ids.length > 0 ? await forkOf(platform).find(Queue, { id: { $in: ids } }) : [];
    const known = new Set([null, ...queues.map(({ id }) => id)]);
    return concerts.map(({ queueId }) => (known.has(queueId) ? { known: undefined } : { error: notFound('queue') }));
  },

  locks: () => ({ limits: [SLUGS] }),

  async facts(em, items) {
    const taken = await readTakenSlugs(
      em,
      items.map(({ asked: { slug, title } }) => slug ?? slugFrom(title)),
    );
    return items.map(() => taken);
  },

  decide({ asked, facts: taken }, scene) {
    if (asked.slug !== null && taken.has(asked.slug)) throw slugTaken();
    const slug = asked.slug ?? freeSlug(slugFrom(asked.title), taken);
    const concert = Object.assign(new Concert(), {
      ...asked,
      slug,
      id: newId(),
      withdrawnAt: null,
      createdAt: scene.now,
    });
    taken.add(slug);
    scene.insert(concert);
    return concert;
  },
};

/**
 * Creates a concert without shows.
 * @returns the concert
 * @throws CallerError BAD_USER_INPUT for texts that `checkedTexts` refuses, and for a slug that another concert has;
 * NOT_FOUND for an unknown queue
 */
export async function createConcert(context: Context, input: CreateConcertInput): Promise<Concert> {
  const { title, description, artist, imageUrl = null, slug = null } = checkedTexts(input);
  const queueId = typeof input.queueId === 'string' ? idOf('input.queueId', input.queueId) : null;
  return run(context, CREATE_CONCERT, { title, description, artist, imageUrl, slug, queueId });
}

/** The texts of a concert that an operator sets. */
type ConcertTexts = Pick<CreateConcertInput, 'title' | 'description' | 'artist' | 'imageUrl' | 'slug'>;

/**
 * Checks those texts of a concert that are given. @returns them, the slug in its canonical spelling
 * @throws CallerError BAD_USER_INPUT for a title outside 1..200 characters, a description of more than 10,000, an
 * artist of more than 200, an image URL that is neither https nor a path, and a slug that is not words of lower-case
 * letters and digits joined by hyphens, of 1..100 characters
 */
export function checkedTexts<Texts extends Partial<ConcertTexts>>(texts: Texts): Texts {
  const { title, description, artist, imageUrl, slug } = texts;
  if (title !== undefined) textOf('input.title', title, 1, 200);
  if (description !== undefined) textOf('input.description', description, 0, 10_000);
  if (artist !== undefined) textOf('input.artist', artist, 0, 200);
  if (typeof imageUrl === 'string') checkImageUrl(imageUrl);
  return typeof slug === 'string' ? { ...texts, slug: slugOf(slug) } : texts;
}

const MAX_URL = 2_000;

function checkImageUrl(url: string): void {
  textOf('input.imageUrl', url, 1, MAX_URL);
  const site = 'https://site.invalid';
  const isPath = url.startsWith('/');
  const parsed = URL.parse(url, isPath ? site : undefined);
  const isRight = isPath ? parsed?.origin === site : parsed?.protocol === 'https:';
  if (!isRight || parsed?.username || parsed?.password || /[\s\p{Cc}\\]/u.test(url)) {
    throw badInput('input.imageUrl', 'must be an https URL, or a path that begins with a slash');
  }
}

function slugOf(text: string): string {
  const slug = textOf('input.slug', text.normalize('NFKC'), 1, MAX_SLUG);
  if (/^[\p{L}\p{N}\p{M}]+(-[\p{L}\p{N}\p{M}]+)*$/u.test(slug) && slug === slug.toLowerCase()) return slug;
  throw badInput('input.slug', 'must be words of lower-case letters and digits, joined by hyphens');
}

/** Reads, under the lock of slugs, those of the slugs that concerts have, and those with something added to them. */
export async function readTakenSlugs(em: EntityManager, slugs: readonly string[]): Promise<Set<string>> {
  const rows = await sql<{ slug: string }>(
    em,
    `select slug from concert where exists (
       select from unnest($1::text[]) as u (wanted) where slug = wanted or starts_with(slug, wanted || '-'))`,
    [slugs],
  );
  return new Set(rows.map(({ slug }) => slug));
}

export function slugTaken(): Error {
  return badInput('input.slug', 'is the name of another concert');
}
