import { randomUUID } from 'node:crypto';
import { Buyer, type Data, post } from './client.ts';
import type { World } from './world.ts';

export const PASSWORD = 'correct horse';

export const SESSION = `__typename ... on Session { accessToken expiresAt user { id name role } } ... on Problem { code }`;

/** A person at a browser: it keeps the cookie that answers bring and sends it, and holds the last access token. */
export class Browser {
  readonly url: string;
  readonly name: string;
  id = '';
  accessToken = '';
  /** The cookie as a request has it; empty without one. */
  cookie = '';
  /** The last header `set-cookie`. */
  setCookie: string | undefined;

  constructor(url: string, name: string) {
    this.url = url;
    this.name = name;
  }

  /** The same person at another browser, perhaps at another process; not signed in. */
  elsewhere(url = this.url): Browser {
    const other = new Browser(url, this.name);
    other.id = this.id;
    return other;
  }

  /** The person as a client with the last access token. */
  get buyer(): Buyer {
    return new Buyer(this.id, this.accessToken, this.url);
  }

  /** Sends an operation with the cookie, and with the headers given. */
  async ask(query: string, variables: object = {}, headers: Record<string, string> = {}): Promise<Data> {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(this.cookie && { cookie: this.cookie }), ...headers },
      body: JSON.stringify({ query, variables }),
    });
    this.setCookie = response.headers.get('set-cookie') ?? undefined;
    const sent = /^(onsale-session=([^;]*));/.exec(this.setCookie ?? '');
    if (sent) this.cookie = sent[2] ? (sent[1] as string) : '';
    return response.json();
  }

  /** As `ask`, signed in with the last access token. */
  asUser(query: string, variables: object = {}): Promise<Data> {
    return this.ask(query, variables, { authorization: `Bearer ${this.accessToken}` });
  }

  /** Signs up, or signs in, and answers the result. */
  async enter(verb: 'signUp' | 'signIn', input: object = {}): Promise<Data> {
    const query = `mutation ($input: CredentialsInput!) { ${verb}(input: $input) { ${SESSION} } }`;
    const { data } = await this.ask(query, { input: { name: this.name, password: PASSWORD, ...input } });
    return this.take(data[verb]);
  }

  /** Renews by the cookie alone; answers the session, or the code of the error. */
  async renew(): Promise<Data> {
    const { data, errors } = await this.ask('mutation { renewSession { accessToken user { id } } }');
    return errors ? errors[0].extensions.code : this.take(data.renewSession);
  }

  /** Holds the session of an answer, where it is one. */
  take(session: Data): Data {
    if (session.accessToken) {
      this.id = session.user.id;
      this.accessToken = session.accessToken;
    }
    return session;
  }

  /** The name of the error that the access token meets, or 'signed in'. */
  async state(url = this.url): Promise<string> {
    const { errors } = await post(url, '{ me { id } }', {}, { authorization: `Bearer ${this.accessToken}` });
    return errors?.[0]?.extensions.code ?? 'signed in';
  }
}

/** A new user, signed in at a browser of its own. @param input more of CredentialsInput, such as `remember` */
export async function newcomer(url: string, input: object = {}): Promise<Browser> {
  const browser = new Browser(url, `user ${randomUUID().slice(0, 18)}`);
  await browser.enter('signUp', input);
  return browser;
}

/** Opens sessions of the user, past signIn, that all count as opened after those which anybody opens now. */
export async function openSessions(world: World, { id }: Browser, count: number): Promise<void> {
  await world.pool.query(
    `insert into session (id, user_id, version, created_at, lasts_until)
     select overlay(gen_random_uuid()::text placing 'f' from 1 for 1)::uuid, $1, 0, now(), now() + interval '1 hour'
     from generate_series(1, $2)`,
    [id, count],
  );
}

const DELETE = `mutation { deleteMyAccount { __typename ... on User { id name deletedAt }
  ... on AccountInUse { code balance chargeIds reservationIds orderIds ticketIds } ... on Refusal { code } } }`;

/** Answers the DeleteMyAccountResult. */
export async function deleteAccount(buyer: Buyer): Promise<Data> {
  return (await buyer.get(DELETE)).deleteMyAccount;
}

/** Answers the SetRoleResult. */
export async function setRole(operator: Buyer, userId: string, role: 'BUYER' | 'OPERATOR'): Promise<Data> {
  const query = `mutation ($input: SetRoleInput!) { setRole(input: $input) {
    __typename ... on User { id role } ... on Problem { code } } }`;
  return (await operator.get(query, { input: { userId, role } })).setRole;
}

/**
 * A user changes the password while others, who know the old one, sign in with it at both processes, and are remembered.
 * @returns those who were signed in
 */
export async function signInWhileChanging(world: World): Promise<Browser[]> {
  const user = await newcomer(world.urls[0] as string);
  const browsers = [...world.urls, ...world.urls, ...world.urls].map((url) => user.elsewhere(url));
  const change = `mutation { changePassword(input: { oldPassword: "${PASSWORD}", newPassword: "another horse" }) {
    __typename } }`;
  const signingIn = browsers.map((browser) => browser.enter('signIn', { remember: true }));
  const { data } = await user.asUser(change);
  if (data.changePassword.__typename !== 'Session') throw new Error('the password was not changed');
  await Promise.all(signingIn);
  return browsers.filter(({ accessToken }) => accessToken !== '');
}

/**
 * The only two operators take the role from each other at the same time, each at one process.
 * @returns how many are left
 */
export async function demoteEachOther(world: World): Promise<number> {
  const operator = await world.operator();
  const second = await newcomer(operator.url);
  await setRole(operator, second.id, 'OPERATOR');
  await second.enter('signIn');
  const there = world.urls[1] as string;
  const answers = [setRole(operator, second.id, 'BUYER'), setRole(second.buyer.at(there), operator.id, 'BUYER')];
  await Promise.allSettled(answers);
  const { rowCount } = await world.pool.query(`select from user_account where role = 'OPERATOR'`);
  return rowCount ?? 0;
}

/**
 * A user deletes the account at one process, and charges the wallet at another at the same time.
 * @returns whether the account is deleted, and what came into it: money, or charges that may still be paid
 */
export async function deleteWhileCharging(
  world: World,
  deleteAt: string,
  chargeAt: string,
): Promise<{ isDeleted: boolean; came: number }> {
  const user = await newcomer(deleteAt);
  const charge = 'mutation { charge(input: { amount: 1000, idempotencyKey: "k" }) { __typename } }';
  await Promise.allSettled([user.buyer.at(chargeAt).ask(charge), deleteAccount(user.buyer)]);
  const { rows } = await world.pool.query(
    `select deleted_at is not null as "isDeleted",
       (balance + (select count(*) from pending_charge c where c.user_id = u.id))::int as came
     from user_account u join wallet w on w.user_id = u.id where u.id = $1`,
    [user.id],
  );
  return rows[0];
}
