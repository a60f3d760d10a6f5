import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

const TEXT = 1;
const PING = 9;
const PONG = 10;

interface Options {
  /** Address of this end: each has ports of its own. */
  readonly localAddress?: string;
  readonly protocol?: string;
  readonly onText: (text: Buffer) => void;
  readonly onClose: () => void;
}

/** A WebSocket that does no more than a bench needs: tens of thousands fit into one process. */
export class RawSocket {
  readonly #socket: Socket;
  readonly #options: Options;
  #received: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket, options: Options) {
    this.#socket = socket;
    this.#options = options;
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('close', options.onClose);
  }

  /** Connects and shakes hands. @throws Error when that is refused */
  static open(url: string, options: Options): Promise<RawSocket> {
    const { hostname, port, host, pathname } = new URL(url);
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: hostname,
        port: Number(port),
        ...(options.localAddress && { localAddress: options.localAddress }),
      });
      socket.setNoDelay(true).once('error', reject);
      const key = randomBytes(16).toString('base64');
      const protocol = options.protocol ? `Sec-WebSocket-Protocol: ${options.protocol}\r\n` : '';
      socket.write(
        `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n${protocol}\r\n`,
      );
      socket.once('data', (head) => {
        if (!head.toString('latin1', 0, 12).endsWith('101')) return reject(new Error(head.toString('latin1')));
        socket.off('error', reject);
        socket.on('error', () => undefined);
        const raw = new RawSocket(socket, options);
        raw.#take(head.subarray(head.indexOf('\r\n\r\n') + 4));
        return resolve(raw);
      });
    });
  }

  send(text: string): void {
    this.#socket.write(frame(TEXT, Buffer.from(text)));
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    let rest = this.#received.length > 0 ? Buffer.concat([this.#received, chunk]) : chunk;
    for (;;) {
      if (rest.length < 2) break;
      const short = (rest[1] as number) & 0x7f;
      const head = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (rest.length < head) break;
      const length = short === 126 ? rest.readUInt16BE(2) : short === 127 ? Number(rest.readBigUInt64BE(2)) : short;
      if (rest.length < head + length) break;
      this.#handle((rest[0] as number) & 0x0f, rest.subarray(head, head + length));
      rest = rest.subarray(head + length);
    }
    this.#received = rest.length > 0 ? Buffer.from(rest) : rest;
  }

  #handle(opcode: number, payload: Buffer): void {
    if (opcode === TEXT) this.#options.onText(payload);
    else if (opcode === PING) this.#socket.write(frame(PONG, payload));
  }
}

/** A frame of RFC 6455 as a client sends it, with a mask of zeros. */
function frame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head =
    length < 126
      ? Buffer.from([0x80 | opcode, 0x80 | length])
      : Buffer.from([0x80 | opcode, 0xfe, length >> 8, length & 0xff]);
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}
