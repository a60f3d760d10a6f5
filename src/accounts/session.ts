import { createUnionType, Field, InputType, ObjectType } from 'type-graphql';
import { Refusal } from '../api/problems.ts';
import { DateTime } from '../api/scalars.ts';
import { User } from './user.ts';

@ObjectType()
export class Session {
  @Field(() => String)
  accessToken!: string;

  @Field(() => DateTime)
  expiresAt!: Date;

  @Field(() => User)
  user!: User;
}

@InputType({ description: 'name: 3 to 40 characters, unique. password: at least 8 characters' })
export class CredentialsInput {
  @Field(() => String)
  name!: string;

  @Field(() => String)
  password!: string;
}

export const SignInResult = createUnionType({ name: 'SignInResult', types: () => [Session, Refusal] as const });
