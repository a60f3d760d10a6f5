import { RawSocket } from './raw-socket.ts';

/** Somebody to listen. */
export interface Listener {
  readonly accessToken: string;
  readonly variables: object;
}

/** To what, and from where. */
interface Subscription {
  readonly url: string;
  readonly query: string;
  /** Address of this end: each has ports of its own. */
  readonly localAddress?: string;
  readonly onNext: (message: Buffer) => void;
  readonly onClose?: () => void;
}

/**
 * Subscribes over a socket of its own; resolves once the server has taken it: it answers what was sent behind it.
 * @throws Error when the server closes it before that
 */
export async function subscribe(
  { url, query, localAddress, onNext, onClose = () => undefined }: Subscription,
  { accessToken, variables }: Listener,
): Promise<RawSocket> {
  const [acknowledged, ready] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const onText = (text: Buffer): void => {
    if (text.includes('"type":"next"')) onNext(text);
    else if (text.includes('connection_ack')) acknowledged.resolve();
    else if (text.includes('pong')) ready.resolve();
  };
  let isReady = false;
  const closed = Promise.withResolvers<never>();
  closed.promise.catch(() => undefined);
  const socket = await RawSocket.open(url.replace('http', 'ws'), {
    ...{ protocol: 'graphql-transport-ws', onText },
    onClose: () => (isReady ? onClose() : closed.reject(new Error('closed before it was subscribed'))),
    ...(localAddress && { localAddress }),
  });
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${accessToken}` } }));
  await Promise.race([acknowledged.promise, closed.promise]);
  socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query, variables } }));
  socket.send('{"type":"ping"}');
  await Promise.race([ready.promise, closed.promise]);
  isReady = true;
  return socket;
}
