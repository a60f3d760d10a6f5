import { useSyncExternalStore } from 'react';
import { RenewSessionDocument, type RenewSessionMutation, type SignedInFragment } from '../gql/graphql.ts';
import { now } from '../server/clock.ts';
import { textOf } from '../server/document-text.ts';

/**
 * Who is signed in. The access token is in memory only, where no other page finds it; after a reload the cookie of the
 * session, which no script can read, gives another one. Storage keeps but whether there may be such a cookie.
 */
export type Session =
  | { readonly status: 'unknown' }
  | { readonly status: 'guest' }
  | ({ readonly status: 'signed-in' } & SignedInFragment);

/** The access token is renewed this long before it ends. */
const EARLY_MS = 60_000;
const REMEMBERED = 'onsale.remembered';

let session: Session = { status: 'unknown' };
let renewing: Promise<boolean> | undefined;
const listeners = new Set<() => void>();

/** Takes a session that this tab alone has: the browser keeps no cookie of it, nor of any before. */
export function beginSession(begun: SignedInFragment): void {
  localStorage.removeItem(REMEMBERED);
  become({ status: 'signed-in', ...begun });
}

/** Takes a session that the browser has the cookie of, and tells the other tabs. */
export function beginRememberedSession(begun: SignedInFragment): void {
  localStorage.setItem(REMEMBERED, begun.user.id);
  become({ status: 'signed-in', ...begun });
}

/** Forgets the session in this tab, and has the other tabs ask whether theirs lasts. */
export function forgetSession(): void {
  localStorage.removeItem(REMEMBERED);
  become({ status: 'guest' });
}

function become(next: Session): void {
  session = next;
  for (const listener of listeners) listener();
}

/** The access token; renewed first if it is about to end; undefined for guests. */
export async function freshToken(): Promise<string | undefined> {
  if (session.status === 'unknown') await renew();
  if (session.status === 'signed-in' && Date.parse(session.expiresAt) - EARLY_MS < now()) await renew();
  return session.status === 'signed-in' ? session.accessToken : undefined;
}

/** Continues the session, by the access token while it lasts, else by the cookie. Resolves with whether somebody is signed in; several callers share one request. */
export function renew(): Promise<boolean> {
  renewing ??= continueSession().finally(() => {
    renewing = undefined;
  });
  return renewing;
}

async function continueSession(): Promise<boolean> {
  const token =
    session.status === 'signed-in' && Date.parse(session.expiresAt) > now() ? session.accessToken : undefined;
  const byToken = token === undefined ? 'over' : await askForSession(token);
  // Where nobody is remembered there is no cookie to ask with.
  const isByCookie = byToken === 'over' && localStorage.getItem(REMEMBERED) !== null;
  const renewed = isByCookie ? await askForSession() : byToken;
  if (renewed === 'no answer') {
    // It is not known whether the session has ended.
    if (session.status === 'unknown') setTimeout(() => void renew(), 2_000);
  } else if (renewed === 'over') forgetSession();
  else if (isByCookie) beginRememberedSession(renewed);
  else become({ status: 'signed-in', ...renewed });
  return typeof renewed === 'object';
}

/**
 * Asks past Apollo Client, whose requests wait for the access token.
 * @param token the access token that is continued; left out: the session of the cookie is
 */
async function askForSession(token?: string): Promise<SignedInFragment | 'over' | 'no answer'> {
  try {
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify({ query: textOf(RenewSessionDocument) }),
    });
    const { data, errors } = (await response.json()) as {
      data?: RenewSessionMutation | null;
      errors?: { extensions?: { code?: string } }[];
    };
    if (data) return data.renewSession;
    const code = errors?.[0]?.extensions?.code;
    return code === 'UNAUTHENTICATED' || code === 'FORBIDDEN' ? 'over' : 'no answer';
  } catch {
    return 'no answer';
  }
}

/** Who is signed in, told when it changes. */
export function useSession(): Session {
  return useSyncExternalStore(watchSession, () => session);
}

/** Calls the listener whenever the session begins, is renewed or ends. Returns how to stop. */
export function watchSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Id of the user who is signed in; undefined for guests. */
export function userId(): string | undefined {
  return session.status === 'signed-in' ? session.user.id : undefined;
}

// Another tab has signed out or in. Whether the session of this one has ended by it, the server knows.
addEventListener('storage', ({ key, newValue }) => {
  if (key === REMEMBERED && newValue !== (userId() ?? null)) void renew();
});
