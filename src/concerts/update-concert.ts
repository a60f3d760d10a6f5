import { createUnionType, Field, ID, InputType } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { givenOf, idOf } from '../api/input.ts';
import { notFound, Withdrawn, withdrawn } from '../api/problems.ts';
import { CONCERTS, rowsOf } from '../commands/lock-order.ts';
import { run, type Verb } from '../commands/runner.ts';
import { Concert } from './concert.ts';
import { checkedTexts, readTakenSlugs, SLUGS, slugTaken } from './create-concert.ts';

@InputType({ description: 'Changes of a concert. What is left out stays as it is' })
export class UpdateConcertInput {
  @Field(() => ID, { description: 'Id of the concert' })
  id!: string;

  @Field(() => String, { nullable: true, description: '1 .. 200 characters; the slug stays as it is' })
  title?: string | null;

  @Field(() => String, { nullable: true, description: 'At most 10,000 characters' })
  description?: string | null;

  @Field(() => String, { nullable: true, description: 'Who performs: at most 200 characters' })
  artist?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'An https URL, or a path of the site that shows the concert: at most 2,000 characters; null for no image',
  })
  imageUrl?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Names the concert in URLs: words of lower-case letters and digits joined by hyphens, 1 .. 100 characters. The former one names nothing then',
  })
  slug?: string | null;
}

export const UpdateConcertResult = createUnionType({
  name: 'UpdateConcertResult',
  description: 'The concert as it is now, or Withdrawn',
  types: () => [Concert, Withdrawn] as const,
});

interface UpdateConcert {
  readonly id: string;
  /** Those that change. */
  readonly texts: Partial<Pick<Concert, 'title' | 'description' | 'artist' | 'imageUrl' | 'slug'>>;
}

const UPDATE_CONCERT: Verb<UpdateConcert, Concert | Withdrawn, undefined, Set<string>> = {
  name: 'updateConcert',
  contends: ({ id, texts }) => [`concert:${id}`, ...(texts.slug === undefined ? [] : [SLUGS])],
  locks: ({ id, texts }) => ({
    limits: texts.slug === undefined ? [] : [SLUGS],
    rows: [rowsOf(CONCERTS, [id])],
  }),

  async facts(em, items) {
    const slugs = items.flatMap(({ asked }) => asked.texts.slug ?? []);
    const taken = slugs.length > 0 ? await readTakenSlugs(em, slugs) : new Set<string>();
    return items.map(() => taken);
  },

  decide({ asked: { id, texts }, facts: taken }, scene) {
    const concert = scene.find(CONCERTS, id);
    if (!concert) throw notFound('concert');
    if (concert.withdrawnAt !== null) return withdrawn([id]);
    const { slug = concert.slug } = texts;
    if (slug !== concert.slug && taken.has(slug)) throw slugTaken();
    taken.add(slug);
    return Object.assign(concert, texts);
  },
};

/**
 * Changes the texts of a concert that are given.
 * @returns the concert; Withdrawn for one that was withdrawn
 * @throws CallerError NOT_FOUND for an unknown concert; BAD_USER_INPUT for texts that `checkedTexts` refuses, for null
 * except as `imageUrl`, and for a slug that another concert has
 */
export async function updateConcert(context: Context, input: UpdateConcertInput): Promise<Concert | Withdrawn> {
  const { id, ...texts } = givenOf(input, 'imageUrl');
  return run(context, UPDATE_CONCERT, { id: idOf('input.id', id as string), texts: checkedTexts(texts) });
}
