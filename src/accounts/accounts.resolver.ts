import { Arg, Ctx, Extensions, Mutation, Query, Resolver } from 'type-graphql';
import { type Context, PUBLIC, SLOW } from '../api/context.ts';
import { refuseForeign } from './refuse-foreign.ts';
import { renewSession } from './renew-session.ts';
import { CredentialsInput, Session, SignInResult } from './session.ts';
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
