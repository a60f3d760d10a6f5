import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, ObjectType } from 'type-graphql';
import { connectionOf } from '../api/connection.ts';
import { DateTime } from '../api/scalars.ts';

@ObjectType()
@Entity({ tableName: 'concert' })
export class Concert {
  @Field(() => ID)
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Field(() => String)
  @Property({ type: 'text' })
  title!: string;

  @Field(() => String)
  @Property({ type: 'text' })
  description!: string;

  @Property({ type: 'uuid', nullable: true })
  queueId!: string | null;

  @Field(() => DateTime)
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  createdAt!: Date;
}

export const ConcertConnection = connectionOf('Concert', Concert);
