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
  @Query(() => User, { nullable: true, description: 'Who is signed in; null when nobody is' })
  async me(@Ctx() { caller, em, platform }: Context): Promise<User | null> {
    const user = caller && (await em.findOne(User, { id: caller.id }));
    // When an identity provider keeps the accounts, the role comes from its token.
    return user && platform.config.AUTH_JWKS_URL ? Object.assign(new User(), user, { role: caller.role }) : user;
  }

  @Extensions({ ...PUBLIC, ...SLOW, rates: ['signUps'] })
  @Mutation(() => SignInResult)
  signUp(@Arg('input', () => CredentialsInput) input: CredentialsInput, @Ctx() context: Context) {
    refuseForeign(context);
    return signUp(context, input);
  }

  @Extensions({ ...PUBLIC, ...SLOW, rates: SIGN_IN_RATES })
  @Mutation(() => SignInResult)
  signIn(@Arg('input', () => CredentialsInput) input: CredentialsInput, @Ctx() context: Context) {
    refuseForeign(context);
    return signIn(context, input);
  }

  @Extensions(PUBLIC)
  @Mutation(() => Session, {
    description: `A new access token of the session before the old one is over. Without an access token, that of the session that the cookie
remembers, which is answered with the next cookie; UNAUTHENTICATED without either`,
  })
  renewSession(@Ctx() context: Context): Promise<Session> {
    refuseForeign(context);
    return renewSession(context);
  }

  @Extensions({ ...SLOW, rates: ['passwordChanges'] })
  @Mutation(() => SignInResult, {
    description:
      'Ends all sessions of the caller, and answers a new one. INVALID_CREDENTIALS when the old password is wrong: nothing is changed',
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
      'All that is kept about the caller, as it is at one instant: account, sessions, wallet, entries, charges, reservations, tickets, orders, orderLines, payments, refunds, coupons, priorityCodes, each a list of rows',
  })
  exportMyData(@Ctx() context: Context): Promise<object> {
    return exportMyData(context);
  }

  @Mutation(() => DeleteMyAccountResult, {
    description: `Ends all sessions of the caller and takes the name and the password away; ids, the ledger and what was bought stay. AccountInUse with money,
live holds, unpaid orders or tickets of shows to come`,
  })
  deleteMyAccount(@Ctx() context: Context): Promise<User | AccountInUse | Refusal> {
    return deleteMyAccount(context);
  }

  @Directive('@operator')
  @Mutation(() => SetRoleResult, {
    description: 'Ends the sessions of a user whose role changes. LAST_OPERATOR when there would be no operator left',
  })
  setRole(
    @Arg('input', () => SetRoleInput, { description: 'The user and the role' }) input: SetRoleInput,
    @Ctx() context: Context,
  ): Promise<User | Refusal> {
    refuseForeign(context);
    return setRole(context, input);
  }

  @Mutation(() => Boolean, {
    description: 'Ends the session: its access tokens, its cookie, its sockets and streams. Answers true',
  })
  signOut(@Ctx() context: Context): Promise<boolean> {
    return signOut(context);
  }

  @Mutation(() => Boolean, { description: 'Ends all sessions of the caller, this one too. Answers true' })
  signOutEverywhere(@Ctx() context: Context): Promise<boolean> {
    return signOutEverywhere(context);
  }
}
