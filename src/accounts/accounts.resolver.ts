import { Arg, Ctx, Directive, Extensions, Mutation, Query, Resolver } from 'type-graphql';
import { type Context, PUBLIC, SLOW } from '../api/context.ts';
import type { Refusal } from '../api/problems.ts';
import { JSONObject } from '../api/scalars.ts';
import { ChangePasswordInput, changePassword } from './change-password.ts';
import { type AccountInUse, DeleteMyAccountResult, deleteMyAccount } from './delete-my-account.ts';
import { exportMyData } from './export-my-data.ts';
import { refuseForeign } from './refuse-foreign.ts';
import { renewSession } from './renew-session.ts';
import { CredentialsInput, Session, SignInResult } from './session.ts';
import { SetRoleInput, SetRoleResult, setRole } from './set-role.ts';
import { SIGN_IN_RATES, signIn } from './sign-in.ts';
import { signOut } from './sign-out.ts';
import { signOutEverywhere } from './sign-out-everywhere.ts';
import { signUp } from './sign-up.ts';
import { User } from './user.ts';

@Resolver()
export class AccountsResolver {
  @Extensions(PUBLIC)
  @Query(() => User, {
    nullable: true,
    description: 'The user who is signed in; null without an access token',
  })
  async me(@Ctx() { caller, em, platform }: Context): Promise<User | null> {
    const user = caller && (await em.findOne(User, { id: caller.id }));
    // When an identity provider keeps the accounts, the role comes from its token.
    return user && platform.config.AUTH_JWKS_URL ? Object.assign(new User(), user, { role: caller.role }) : user;
  }

  @Extensions({ ...PUBLIC, ...SLOW, rates: ['signUps'] })
  @Mutation(() => SignInResult, {
    description: `Makes a user with the role BUYER and an empty wallet, and signs the user in. Answers a Session. Refused: \`NAME_TAKEN\`.
Errors: \`BAD_USER_INPUT\` for a name or a password out of its bounds; \`FORBIDDEN\` where an identity provider keeps the
accounts; \`RATE_LIMITED\` while too many passwords wait to be hashed`,
  })
  signUp(
    @Arg('input', () => CredentialsInput, { description: 'Name and password of the new user' }) input: CredentialsInput,
    @Ctx() context: Context,
  ) {
    refuseForeign(context);
    return signUp(context, input);
  }

  @Extensions({ ...PUBLIC, ...SLOW, rates: SIGN_IN_RATES })
  @Mutation(() => SignInResult, {
    description: `Opens a session. Answers a Session. Refused: \`INVALID_CREDENTIALS\`, the same for an unknown name and a wrong password.
Errors: \`FORBIDDEN\` where an identity provider keeps the accounts; \`RATE_LIMITED\` while too many passwords wait to be
checked`,
  })
  signIn(
    @Arg('input', () => CredentialsInput, { description: 'Name and password of the user' }) input: CredentialsInput,
    @Ctx() context: Context,
  ) {
    refuseForeign(context);
    return signIn(context, input);
  }

  @Extensions(PUBLIC)
  @Mutation(() => Session, {
    description: `Answers a new access token of the session, before the old one ends. Without an access token it continues the session
of the cookie, which is used up: the answer sets the next one. Errors: \`UNAUTHENTICATED\` without
either, and for a session that has ended; \`FORBIDDEN\` where an identity provider keeps the accounts`,
  })
  renewSession(@Ctx() context: Context): Promise<Session> {
    refuseForeign(context);
    return renewSession(context);
  }

  @Extensions({ ...SLOW, rates: ['passwordChanges'] })
  @Mutation(() => SignInResult, {
    description: `Changes the password of the caller, ends all sessions of the caller, and answers a new Session. Refused:
\`INVALID_CREDENTIALS\` when the old password is wrong; nothing is changed then. Errors: \`BAD_USER_INPUT\` for a new
password out of its bounds; \`FORBIDDEN\` where an identity provider keeps the passwords`,
  })
  changePassword(
    @Arg('input', () => ChangePasswordInput, { description: 'Both passwords' }) input: ChangePasswordInput,
    @Ctx() context: Context,
  ): Promise<Session | Refusal> {
    return changePassword(context, input);
  }

  @Extensions({ rates: ['dataExports'] })
  @Query(() => JSONObject, {
    description:
      'All that is kept about the caller, as it is at one instant: account, sessions, wallet, entries, charges, reservations, tickets, orders, orderLines, payments, refunds, refundLines, coupons, priorityCodes, each a list of rows',
  })
  exportMyData(@Ctx() context: Context): Promise<object> {
    return exportMyData(context);
  }

  @Extensions({ rates: ['passwordChanges'] })
  @Mutation(() => DeleteMyAccountResult, {
    description: `Deletes the account of the caller: ends all sessions, leaves the queues, and removes the name, which is free again,
and the password. Ids, the ledger and what was bought stay. Answers the user as it is then. Refused: \`ACCOUNT_IN_USE\` with money,
charges that may still be paid, live holds, unpaid orders or tickets of shows to come; \`LAST_OPERATOR\``,
  })
  deleteMyAccount(@Ctx() context: Context): Promise<User | AccountInUse | Refusal> {
    return deleteMyAccount(context);
  }

  @Directive('@operator')
  @Mutation(() => SetRoleResult, {
    description: `Gives a user a role, and ends the sessions of a user whose role changes. Answers the user. Refused: \`LAST_OPERATOR\`
when no other operator who can sign in would be left. Errors: \`NOT_FOUND\` for an unknown or deleted user; \`FORBIDDEN\`
where an identity provider keeps the accounts`,
  })
  setRole(
    @Arg('input', () => SetRoleInput, { description: 'The user and the role' }) input: SetRoleInput,
    @Ctx() context: Context,
  ): Promise<User | Refusal> {
    refuseForeign(context);
    return setRole(context, input);
  }

  @Mutation(() => Boolean, {
    description: `Ends the session of the caller: its access tokens, its cookie, its sockets and its streams. Answers true. Error:
\`FORBIDDEN\` where an identity provider keeps the accounts`,
  })
  signOut(@Ctx() context: Context): Promise<boolean> {
    return signOut(context);
  }

  @Mutation(() => Boolean, {
    description:
      'Ends all sessions of the caller, this one too. Answers true. Error: `FORBIDDEN` where an identity provider keeps the accounts',
  })
  signOutEverywhere(@Ctx() context: Context): Promise<boolean> {
    return signOutEverywhere(context);
  }
}
