import { BigIntType } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ObjectType } from 'type-graphql';
import { Money } from '../api/scalars.ts';

@ObjectType()
@Entity({ tableName: 'wallet' })
export class Wallet {
  @PrimaryKey({ type: 'uuid' })
  userId!: string;

  @Field(() => Money)
  @Property({ type: new BigIntType('number') })
  balance!: number;

  /** Goes up with every entry: the guard against two writers, and the number of the last entry. */
  @Property({ type: 'integer', version: true })
  version!: number;

  /** The day of the last entry; null while there is no money in it. Finds what has not moved for long. */
  @Property({ type: 'date', nullable: true, lazy: true })
  movedOn!: string | null;
}
