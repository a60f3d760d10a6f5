import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import type { Role as RoleName } from '../api/context.ts';
import { DateTime } from '../api/scalars.ts';

export const Role = { BUYER: 'BUYER', OPERATOR: 'OPERATOR' } as const;
registerEnumType(Role, { name: 'Role' });

@ObjectType()
@Entity({ tableName: 'user_account' })
export class User {
  @Field(() => ID)
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Field(() => String)
  @Property({ type: 'text' })
  name!: string;

  @Field(() => Role)
  @Property({ type: 'text' })
  role!: RoleName;

  @Field(() => DateTime)
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  createdAt!: Date;

  /** PHC string; null for users of an identity provider. */
  @Property({ type: 'text', nullable: true })
  passwordHash!: string | null;
}
