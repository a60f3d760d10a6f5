import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { createUnionType, Field, InputType, ObjectType } from 'type-graphql';
import { Refusal } from '../api/problems.ts';
import { DateTime } from '../api/scalars.ts';
import { HexType } from '../platform/postgres.ts';
import { HOUR, SECOND } from '../platform/units.ts';
import { User } from './user.ts';

/** Milliseconds that an access token is valid, and those after which the cookie of a session that is remembered is over. */
export const TOKEN_MS = HOUR;
export const REMEMBERED_MS = 30 * 24 * HOUR;

/**
 * Most sessions of one user: who opens one more ends the oldest. Far more than a person has browsers, so that only a program
 * that signs in time and again meets it.
 */
export const MAX_SESSIONS = 100;

/**
 * Milliseconds for which the cookie before the present one is still answered: two tabs may renew at once, and an answer may
 * get lost.
 */
const MAX_REPEAT_MS = 30 * SECOND;

/** The two parts of a cookie, each as its SHA-256 in lower-case hex: the one that stays, and the one that changes. */
export interface CookieHashes {
  readonly series: string;
  readonly cookie: string;
}

/** A row of `session`; in answers with a new access token. */
@ObjectType({ description: 'A sign-in. It lasts until it is ended or nobody renews it' })
@Entity({ tableName: 'session' })
export class Session {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'uuid' })
  userId!: string;

  /** The user's `sessionVersion` when it was opened. */
  @Property({ type: 'integer' })
  version!: number;

  @Property({ type: 'datetime', columnType: 'timestamptz' })
  createdAt!: Date;

  /** When its last access token is over, or its cookie. */
  @Property({ type: 'datetime', columnType: 'timestamptz' })
  lastsUntil!: Date;

  @Property({ type: 'datetime', columnType: 'timestamptz', nullable: true })
  endedAt!: Date | null;

  /** As in `CookieHashes`; null for a session that is not remembered. */
  @Property({ type: HexType, nullable: true })
  series!: string | null;

  @Property({ type: HexType, nullable: true })
  cookie!: string | null;

  @Property({ type: HexType, nullable: true })
  previousCookie!: string | null;

  /** When the present cookie took the place of the previous one. */
  @Property({ type: 'datetime', columnType: 'timestamptz', nullable: true })
  rotatedAt!: Date | null;

  @Field(() => String, {
    description:
      'Sent as header `authorization: Bearer <accessToken>`, over a WebSocket as `connectionParams.authorization`',
  })
  accessToken!: string;

  @Field(() => DateTime, {
    description: 'When the access token ends, an hour after it was made; `renewSession` gives another one before',
  })
  expiresAt!: Date;

  @Field(() => User, { description: 'The user who is signed in' })
  user!: User;

  /** Whether it has ended, by itself or with all sessions of its user. */
  isOver(user: User, now: Date): boolean {
    return this.endedAt !== null || this.version < user.sessionVersion || this.lastsUntil <= now;
  }

  /** Lets it last at least as long as an access token that is made now; with a cookie as long as that. */
  prolong(now: Date): void {
    const ms = this.series === null ? TOKEN_MS : REMEMBERED_MS;
    this.lastsUntil = new Date(Math.max(this.lastsUntil.getTime(), now.getTime() + ms));
  }

  end(now: Date): void {
    this.endedAt ??= now;
  }

  /**
   * Takes a cookie of its series and puts the next in its place. The previous one is taken for 30 s more, and changes
   * nothing then.
   * @param next hash of the cookie that comes after `cookie`
   * @returns false for any other cookie: it was used before, so that two have it, of whom one has stolen it
   */
  rotate(cookie: string, next: string, now: Date): boolean {
    if (cookie === this.cookie) {
      Object.assign(this, { cookie: next, previousCookie: cookie, rotatedAt: now });
      return true;
    }
    return cookie === this.previousCookie && now.getTime() - Number(this.rotatedAt) <= MAX_REPEAT_MS;
  }
}

@InputType({ description: 'A name and a password' })
export class CredentialsInput {
  @Field(() => String, {
    description:
      '3 .. 40 characters, without control characters and without spaces at its ends; unique, and case matters',
  })
  name!: string;

  @Field(() => String, { description: '8 .. 200 characters' })
  password!: string;

  @Field(() => Boolean, {
    defaultValue: false,
    description:
      'Whether the browser gets a cookie with which `renewSession` continues the session, within 30 days of its last use',
  })
  remember!: boolean;
}

export const SignInResult = createUnionType({
  name: 'SignInResult',
  description:
    'The Session, or a Refusal: `NAME_TAKEN` of `signUp`, `INVALID_CREDENTIALS` of `signIn` and `changePassword`',
  types: () => [Session, Refusal] as const,
});
