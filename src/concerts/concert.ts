import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, ObjectType } from 'type-graphql';
import { Cacheable } from '../api/cacheable.ts';
import { connectionOf } from '../api/connection.ts';
import { DateTime } from '../api/scalars.ts';

/** Most characters of a slug, and of the part that is made from a title. */
export const MAX_SLUG = 100;
const MAX_MADE_SLUG = 80;

@ObjectType({ description: 'A concert, which is given on one or more dates' })
@Entity({ tableName: 'concert' })
export class Concert {
  @Cacheable()
  @Field(() => ID, { description: 'Id of the concert' })
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Cacheable()
  @Field(() => String, { description: 'Name of the concert' })
  @Property({ type: 'text' })
  title!: string;

  @Cacheable()
  @Field(() => String, { description: 'Who performs; empty when nothing was said' })
  @Property({ type: 'text' })
  artist!: string;

  @Cacheable()
  @Field(() => String, { description: 'Text about the concert; may be empty' })
  @Property({ type: 'text' })
  description!: string;

  @Cacheable()
  @Field(() => String, {
    nullable: true,
    description: 'An https URL, or a path of the site that shows the concert; null for no image',
  })
  @Property({ type: 'text', nullable: true })
  imageUrl!: string | null;

  @Cacheable()
  @Field(() => String, {
    description: 'Names the concert in URLs: letters of any script in lower case, digits and hyphens. Unique',
  })
  @Property({ type: 'text' })
  slug!: string;

  @Property({ type: 'uuid', nullable: true })
  queueId!: string | null;

  /** When an operator withdrew it; null: it is shown. */
  @Property({ type: 'datetime', columnType: 'timestamptz', nullable: true })
  withdrawnAt!: Date | null;

  @Cacheable()
  @Field(() => DateTime, { description: 'When the concert was made' })
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  createdAt!: Date;
}

export const ConcertConnection = connectionOf('Concert', Concert);

/**
 * The slug that a title gives: its runs of letters and digits of any script, in lower case, joined by hyphens. Letters
 * that can be written in several ways are written in one.
 * @returns `concert` for a title without letters and digits
 */
export function slugFrom(title: string): string {
  const words = title
    .normalize('NFKC')
    .toLowerCase()
    .match(/[\p{L}\p{N}\p{M}]+/gu);
  const slug = (words ?? ['concert']).join('-');
  return [...slug].slice(0, MAX_MADE_SLUG).join('').replace(/-$/, '');
}

/** The first of `slug`, `slug-2`, `slug-3` and so on that is not taken. */
export function freeSlug(slug: string, taken: ReadonlySet<string>): string {
  for (let number = 2, free = slug; ; free = `${slug}-${number++}`) if (!taken.has(free)) return free;
}
