import { serveParent } from './child.ts';
import { RawSocket } from './raw-socket.ts';

/** Somebody to listen. */
export interface Listener {
  readonly accessToken: string;
  readonly variables: object;
}

/** Opens sockets; */
export interface Opening {
  readonly type: 'open';
  readonly url: string;
  /** with a subscription on each, where there is a query; bare ones else. */
  readonly query?: string;
  readonly listeners: readonly Listener[];
}

/** or waits for `count` more messages than have been waited for; answers the last one. */
export interface Counting {
  readonly type: 'count';
  readonly count: number;
}

const OPENING_AT_ONCE = 50;

let heard = 0;
let wanted = 0;
let last = '';
let wake: ((last: string) => void) | undefined;
const sockets: RawSocket[] = [];

function note(text: Buffer): void {
  heard += 1;
  if (heard < wanted) return;
  last = text.toString();
  wake?.(last);
  wake = undefined;
}

async function open({ url, query, listeners }: Opening): Promise<void> {
  const rest = [...listeners];
  const openSome = async (): Promise<void> => {
    for (let listener = rest.pop(); listener; listener = rest.pop()) sockets.push(await openOne(url, query, listener));
  };
  await Promise.all(Array.from({ length: OPENING_AT_ONCE }, openSome));
}

/** Resolves once the server has taken the subscription: it answers what was sent behind it. */
async function openOne(
  url: string,
  query: string | undefined,
  { accessToken, variables }: Listener,
): Promise<RawSocket> {
  const [acknowledged, ready] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const onText = (text: Buffer): void => {
    if (!query || text.includes('"type":"next"')) note(text);
    else if (text.includes('connection_ack')) acknowledged.resolve();
    else if (text.includes('pong')) ready.resolve();
  };
  const protocol = query ? { protocol: 'graphql-transport-ws' } : {};
  const socket = await RawSocket.open(url.replace('http', 'ws'), { ...protocol, onText, onClose: () => undefined });
  if (!query) return socket;
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${accessToken}` } }));
  await acknowledged.promise;
  socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query, variables } }));
  socket.send('{"type":"ping"}');
  await ready.promise;
  return socket;
}

serveParent(async (message: Opening | Counting) => {
  if (message.type === 'open') return open(message);
  wanted += message.count;
  if (heard >= wanted) return last;
  return new Promise<string>((resolve) => {
    wake = resolve;
  });
});
