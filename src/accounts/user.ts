import type { OptionalProps } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { connectionOf } from '../api/connection.ts';
import type { Role as RoleName } from '../api/context.ts';
import { DateTime } from '../api/scalars.ts';
import type { EventsOf } from '../commands/event-types.ts';

export const Role = { BUYER: 'BUYER', OPERATOR: 'OPERATOR' } as const;
registerEnumType(Role, {
  name: 'Role',
  description: 'What a user may do',
  valuesConfig: {
    BUYER: { description: 'Buys: may use every field but those that are only for operators (@operator)' },
    OPERATOR: { description: 'Runs the deployment: may use also the fields that are only for operators (@operator)' },
  },
});

/** A row of `user_account`. */
@ObjectType({ description: 'An account' })
@Entity({ tableName: 'user_account' })
export class User {
  declare [OptionalProps]?: 'sessionVersion' | 'sessionsEndedAt' | 'deletedAt';

  @Field(() => ID, { description: 'Id of the user' })
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Field(() => String, { description: 'The name that the user signs in with, unique' })
  @Property({ type: 'text' })
  name!: string;

  @Field(() => Role, { description: 'What the user may do' })
  @Property({ type: 'text' })
  role!: RoleName;

  @Field(() => DateTime, { description: 'When the account was made' })
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  createdAt!: Date;

  /** PHC string; null for users of an identity provider. */
  @Property({ type: 'text', nullable: true })
  passwordHash!: string | null;

  /** `iss` and `sub` of the identity provider's tokens; both null for users who signed up here. */
  @Property({ type: 'text', nullable: true })
  issuer!: string | null;

  @Property({ type: 'text', nullable: true })
  subject!: string | null;

  /** Sessions of an earlier version have ended. */
  @Property({ type: 'integer', default: 0 })
  sessionVersion!: number;

  /** When `endSessions` was last called. */
  @Property({ type: 'datetime', columnType: 'timestamptz', nullable: true })
  sessionsEndedAt!: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'When the user deleted the account; from then on the name is a placeholder. Null while the account is there',
  })
  @Property({ type: 'datetime', columnType: 'timestamptz', nullable: true })
  deletedAt!: Date | null;

  /** Takes away all that names a person or opens the account. The placeholder for the name is longer than names may be. */
  delete(now: Date): void {
    Object.assign(this, { name: `deleted-${this.id}`, role: 'BUYER', passwordHash: null, issuer: null, subject: null });
    this.deletedAt = now;
  }

  /** Ends every session that has been opened so far. */
  endSessions(now: Date): void {
    this.sessionVersion += 1;
    this.sessionsEndedAt = now;
  }
}

/** The event of a user who has deleted the account: other systems may have copies of the name. */
export const eventsOfUser: EventsOf<User> = ({ before, after: { id, deletedAt } }) => {
  if (!before || before.deletedAt !== null || deletedAt === null) return [];
  return [{ type: 'user.deleted.v1', aggregate: id, data: { userId: id, deletedAt: deletedAt.toISOString() } }];
};

export const UserConnection = connectionOf('User', User);
