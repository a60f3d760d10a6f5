import { Arg, Ctx, Extensions, Mutation, Query, Resolver } from 'type-graphql';
import { type Context, callerOf, PUBLIC, SLOW } from '../api/context.ts';
import { CallerError, notFound } from '../api/problems.ts';
import { issueSession } from './issue-session.ts';
import { CredentialsInput, Session, SignInResult } from './session.ts';
import { SIGN_IN_RATES, signIn } from './sign-in.ts';
import { signUp } from './sign-up.ts';
import { User } from './user.ts';

@Resolver()
export class AccountsResolver {
  @Query(() => User)
  async me(@Ctx() context: Context): Promise<User> {
    const { id, role } = callerOf(context);
    const user = await context.em.findOne(User, { id });
    if (!user) throw notFound('user');
    // When an identity provider keeps the accounts, the role comes from its token.
    return context.platform.config.AUTH_JWKS_URL ? Object.assign(new User(), user, { role }) : user;
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

  @Mutation(() => Session, { description: 'A new access token before the old one ends' })
  async renewSession(@Ctx() context: Context): Promise<Session> {
    const { id } = callerOf(context);
    refuseForeign(context);
    const user = await context.em.findOne(User, { id });
    if (!user) throw new CallerError('UNAUTHENTICATED');
    return issueSession(context.platform, user);
  }
}

/** @throws CallerError FORBIDDEN when an identity provider keeps the accounts */
function refuseForeign({ platform }: Context): void {
  if (platform.config.AUTH_JWKS_URL) throw new CallerError('FORBIDDEN', 'Accounts are kept by the identity provider.');
}
