import { BigIntType } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, Int, ObjectType } from 'type-graphql';
import { connectionOf } from '../api/connection.ts';
import { DateTime, JSONObject } from '../api/scalars.ts';

/** A row of `operator_log`. Only `writeOperatorLog` adds one; PostgreSQL refuses to change or delete it. */
@ObjectType({ description: 'One mutation of an operator. Rows are only ever added, and kept for good' })
@Entity({ tableName: 'operator_log' })
export class OperatorLogEntry {
  @Field(() => ID, { description: 'Rises: of two rows about one thing the one with the higher id is later' })
  @PrimaryKey({ type: new BigIntType('number'), autoincrement: true })
  id!: number;

  @Field(() => DateTime, { description: 'When it was done, by the clock of PostgreSQL' })
  @Property({ type: 'datetime', columnType: 'timestamptz', defaultRaw: 'clock_timestamp()' })
  at!: Date;

  @Field(() => ID, { description: 'Id of the user who did it' })
  @Property({ type: 'uuid' })
  operatorId!: string;

  @Field(() => String, { nullable: true, description: 'Id of the request, by which the log of the processes has it' })
  @Property({ type: 'text', nullable: true })
  requestId!: string | null;

  @Field(() => String, { description: 'Name of the mutation in this schema' })
  @Property({ type: 'text' })
  mutation!: string;

  @Field(() => [ID], { description: 'Ids of what was changed or made, and of what that belongs to' })
  @Property({ type: 'uuid[]', columnType: 'uuid[]' })
  subjectIds!: string[];

  @Field(() => [JSONObject], {
    description:
      'Each thing that was changed, as it was: its type, its ids and the fields that changed. Without names of people, texts between people, addresses, secrets, codes and tokens',
  })
  @Property({ type: 'json', columnType: 'json' })
  before!: object[];

  @Field(() => [JSONObject], { description: 'The same things as they are since then, and those that were made' })
  @Property({ type: 'json', columnType: 'json' })
  after!: object[];
}

@ObjectType({ description: 'Of all rows that the filter selects, on every page' })
export class OperatorLogTotals {
  @Field(() => Int, { description: 'How many rows there are' })
  count!: number;
}

export const OperatorLogConnection = connectionOf('OperatorLog', OperatorLogEntry);
