import { BigIntType } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType } from 'type-graphql';
import { DateTime, Money } from '../api/scalars.ts';

@ObjectType({ description: 'One date of a concert, with its own seats' })
@Entity({ tableName: 'show' })
export class Show {
  @Field(() => ID)
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'uuid' })
  concertId!: string;

  @Field(() => String, {
    description: 'Of this date alone: a guest, a second night; empty when there is nothing to add',
  })
  @Property({ type: 'text' })
  subtitle!: string;

  @Field(() => String)
  @Property({ type: 'text' })
  venue!: string;

  @Field(() => DateTime)
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  startsAt!: Date;

  @Field(() => Int)
  @Property({ type: 'integer' })
  durationMinutes!: number;

  @Field(() => DateTime)
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  salesOpenAt!: Date;

  @Field(() => DateTime)
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  salesCloseAt!: Date;

  @Field(() => Money, { description: 'Price of a seat that sets none of its own' })
  @Property({ type: new BigIntType('number') })
  price!: number;

  @Field(() => Int)
  @Property({ type: 'integer' })
  seatCount!: number;

  @Field(() => DateTime, { nullable: true, description: 'When the show was cancelled; null: it takes place' })
  @Property({ type: 'datetime', columnType: 'timestamptz', nullable: true })
  cancelledAt!: Date | null;

  @Field(() => String, { nullable: true, description: 'Why it was cancelled' })
  @Property({ type: 'text', nullable: true })
  cancelReason!: string | null;
}
