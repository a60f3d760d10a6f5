import { Field, Int, ObjectType } from 'type-graphql';
import { DateTime } from '../api/scalars.ts';

@ObjectType({ description: 'One rule that must always hold, and how often it does not' })
export class AuditCheck {
  @Field(() => String, { description: 'Name of the rule' })
  name!: string;

  @Field(() => String, { description: 'What the rule says, in one sentence' })
  rule!: string;

  @Field(() => Int, { description: 'How many things the rule applies to' })
  checked!: number;

  @Field(() => Int, { description: 'How many of them break it' })
  violations!: number;

  @Field(() => [String], { description: 'The first 20 of those that break it' })
  rows!: string[];
}

@ObjectType({
  description: 'The result of counting everything again from the rows: whether every rule that must always hold does',
})
export class Audit {
  @Field(() => DateTime, { description: 'When it was counted' })
  at!: Date;

  @Field(() => Boolean, { description: 'Whether no rule is broken' })
  ok!: boolean;

  @Field(() => [AuditCheck], { description: 'Every rule, with what was counted' })
  checks!: AuditCheck[];
}
