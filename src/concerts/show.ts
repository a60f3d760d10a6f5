import { BigIntType } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType } from 'type-graphql';
import { Cacheable } from '../api/cacheable.ts';
import { DateTime, Money } from '../api/scalars.ts';

@ObjectType({ description: 'One date of a concert, with its own seats' })
@Entity({ tableName: 'show' })
export class Show {
  @Cacheable()
  @Field(() => ID, { description: 'Id of the show' })
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'uuid' })
  concertId!: string;

  @Cacheable()
  @Field(() => String, {
    description: 'What is special about this date, such as a guest; empty for nothing',
  })
  @Property({ type: 'text' })
  subtitle!: string;

  @Cacheable()
  @Field(() => String, { description: 'Where it takes place' })
  @Property({ type: 'text' })
  venue!: string;

  @Cacheable()
  @Field(() => DateTime, { description: 'When it begins' })
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  startsAt!: Date;

  @Cacheable()
  @Field(() => Int, { description: 'How long it lasts, in minutes' })
  @Property({ type: 'integer' })
  durationMinutes!: number;

  @Cacheable()
  @Field(() => DateTime, { description: 'From when its seats are sold' })
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  salesOpenAt!: Date;

  @Cacheable()
  @Field(() => DateTime, {
    description: 'Until when its seats are sold, this instant not included. Live holds can still be paid for then',
  })
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  salesCloseAt!: Date;

  @Cacheable()
  @Field(() => Money, { description: 'Price of a seat where its section has none of its own' })
  @Property({ type: new BigIntType('number') })
  price!: number;

  @Cacheable()
  @Field(() => Int, { description: 'How many seats it has' })
  @Property({ type: 'integer' })
  seatCount!: number;

  @Cacheable()
  @Field(() => DateTime, { nullable: true, description: 'When the show was cancelled; null while it takes place' })
  @Property({ type: 'datetime', columnType: 'timestamptz', nullable: true })
  cancelledAt!: Date | null;

  @Cacheable()
  @Field(() => String, { nullable: true, description: 'Why the show was cancelled; null while it takes place' })
  @Property({ type: 'text', nullable: true })
  cancelReason!: string | null;
}
