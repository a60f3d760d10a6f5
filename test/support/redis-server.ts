import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { scratchFolder } from './scratch.ts';

/** A private redis-server of one test file, which may be stopped and started again on the same port and data. */
export class TestRedis {
  readonly url: string;
  readonly #port: number;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string) {
    this.#port = port;
    this.#folder = folder;
    this.url = `redis://127.0.0.1:${port}`;
  }

  static async open(): Promise<TestRedis> {
    const redis = new TestRedis(await freePort(), await scratchFolder('onsale-redis-'));
    await redis.start();
    return redis;
  }

  async start(): Promise<void> {
    const options = {
      port: this.#port,
      bind: '127.0.0.1',
      dir: this.#folder,
      appendonly: 'yes',
      appendfsync: 'always',
      save: '',
    };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    this.#process = spawn('redis-server', args, { stdio: 'ignore' });
    const probe = this.client();
    await probe.ping();
    probe.disconnect();
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Keeps what it has on disk now, to come back with that after `kill`. */
  async backUp(): Promise<void> {
    await cp(this.#folder, `${this.#folder}-before`, { recursive: true });
  }

  /** Comes back, after `kill`, with what it had when it was backed up. */
  async startOlder(): Promise<void> {
    await rm(this.#folder, { recursive: true });
    await rename(`${this.#folder}-before`, this.#folder);
    await this.start();
  }

  /** It keeps its connections and answers nothing, until `thaw`. */
  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  client(): Redis {
    return new Redis(this.url, { retryStrategy: () => 20, maxRetriesPerRequest: 200 }).on('error', () => undefined);
  }

  async close(): Promise<void> {
    await this.#end('SIGKILL');
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, 'exit');
    running.kill(signal);
    await exited;
  }
}

/** A TCP port of the loopback that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
