import { serveParent } from './child.ts';
import { RawSocket } from './raw-socket.ts';
import { type Listener, subscribe } from './subscribe.ts';

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

async function openOne(url: string, query: string | undefined, listener: Listener): Promise<RawSocket> {
  if (query) return subscribe({ url, query, onNext: note }, listener);
  return RawSocket.open(url.replace('http', 'ws'), { onText: note, onClose: () => undefined });
}

serveParent(async (message: Opening | Counting) => {
  if (message.type === 'open') return open(message);
  wanted += message.count;
  if (heard >= wanted) return last;
  return new Promise<string>((resolve) => {
    wake = resolve;
  });
});
