import { Field, Int, ObjectType } from 'type-graphql';
import { DateTime } from '../api/scalars.ts';

@ObjectType({ description: 'One rule that must always hold, and how often it does not' })
export class AuditCheck {
  @Field(() => String)
  name!: string;

  @Field(() => String, { description: 'What the rule says, in one sentence' })
  rule!: string;

  @Field(() => Int)
  checked!: number;

  @Field(() => Int)
  violations!: number;

  @Field(() => [String], { description: 'The rows that break it, the first 20' })
  rows!: string[];
}

@ObjectType()
export class Audit {
  @Field(() => DateTime)
  at!: Date;

  @Field(() => Boolean)
  ok!: boolean;

  @Field(() => [AuditCheck])
  checks!: AuditCheck[];
}
