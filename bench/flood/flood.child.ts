import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { serveParent } from '../load/child.ts';
import { Asker, requestOf } from '../load/http-load.ts';
import { RawSocket } from '../load/raw-socket.ts';

export type Kind = 'sign-ins' | 'sockets' | 'aliases' | 'holds';

/** What one client does without pause, until it is told to stop. */
export interface Flood {
  readonly kind: Kind;
  readonly url: string;
  /** Of the client, where it is signed in. */
  readonly accessToken: string;
  /** What it holds and releases. */
  readonly showId: string;
  readonly seatId: string;
}

/** How a flood went: what was answered, and what of it was refused as RATE_LIMITED, or closed. */
export interface Flooded {
  readonly answers: number;
  readonly limited: number;
}

const CONNECTIONS = 32;
/** Whoever guesses waits for hashes, and so needs more. */
const GUESSERS = 500;
/** With the field within each, as many as a document may have. */
const ALIASES = 300;

const SIGN_IN = `mutation ($name: String!) { signIn(input: { name: $name, password: "a guess" }) { __typename } }`;
const RESERVE = `mutation ($show: ID!, $seat: ID!) { reserve(input: { showId: $show, seatIds: [$seat] }) { __typename } }`;
const WALLETS = `{ ${Array.from({ length: ALIASES }, (_, i) => `a${i}: wallet { balance }`).join(' ')} }`;

let answers = 0;
let limited = 0;
let stop: (() => void) | undefined;

serveParent<Flood | { readonly stop: true }>(async (message) => {
  if (!('stop' in message)) {
    [answers, limited] = [0, 0];
    stop = message.kind === 'sockets' ? openSockets(message.url) : askOnAndOn(message);
    return undefined;
  }
  stop?.();
  return { answers, limited } satisfies Flooded;
});

/** Sends the next request over each connection as soon as its last was answered. */
function askOnAndOn(flood: Flood): () => void {
  let isOver = false;
  const askers = new Set<Asker>();
  const open = (): void => {
    if (isOver) return;
    const asker = new Asker(
      flood.url,
      (_status, body) => {
        answers++;
        if (body.includes('RATE_LIMITED')) limited++;
        asker.ask(nextRequest(flood));
      },
      () => {
        askers.delete(asker);
        open();
      },
    );
    askers.add(asker);
    asker.ask(nextRequest(flood));
  };
  const connections = flood.kind === 'sign-ins' ? GUESSERS : CONNECTIONS;
  for (let i = 0; i < connections; i++) open();
  return () => {
    isOver = true;
    for (const asker of askers) asker.close();
  };
}

function nextRequest({ kind, url, accessToken, showId, seatId }: Flood): Buffer {
  const headers = { authorization: `Bearer ${accessToken}` };
  if (kind === 'sign-ins') return requestOf(url, SIGN_IN, { name: randomUUID() });
  if (kind === 'aliases') return requestOf(url, WALLETS, {}, headers);
  return requestOf(url, RESERVE, { show: showId, seat: seatId }, headers);
}

/** Opens one socket after another, as nobody, and keeps them. */
function openSockets(url: string): () => void {
  let isOver = false;
  const sockets = new Set<RawSocket>();
  const openMore = async (): Promise<void> => {
    while (!isOver) {
      let socket: RawSocket | undefined;
      const onClose = (): void => {
        limited++;
        if (socket) sockets.delete(socket);
      };
      const opening = RawSocket.open(url, { protocol: 'graphql-transport-ws', onText: () => undefined, onClose });
      socket = await opening.catch(() => undefined);
      answers++;
      if (socket) sockets.add(socket);
      else await nextTurn();
      socket?.send('{"type":"connection_init"}');
    }
  };
  for (let i = 0; i < CONNECTIONS; i++) void openMore();
  return () => {
    isOver = true;
    for (const socket of sockets) socket.close();
  };
}
