import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** Another program of the bench, in a process of its own; it answers one message at a time. */
export class Child {
  readonly #process: ChildProcess;

  /** @param program path of a module, from here */
  constructor(program: string, args: readonly string[] = []) {
    this.#process = fork(new URL(program, import.meta.url), args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Sends a message; answers the next one that comes. @throws Error when the process ends first */
  ask<T>(message: object): Promise<T> {
    const answer = this.hear<T>();
    this.#process.send(message);
    return answer;
  }

  /** The next message that comes. @throws Error when the process ends first */
  async hear<T>(): Promise<T> {
    const ended = new AbortController();
    const exit = once(this.#process, 'exit', ended).then(() => {
      throw new Error('a process of the bench ended');
    });
    try {
      const [message] = await Promise.race([once(this.#process, 'message', ended), exit]);
      if (message && typeof message === 'object' && 'fault' in message) throw new Error(String(message.fault));
      return message as T;
    } finally {
      exit.catch(() => undefined);
      ended.abort();
    }
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill();
    await exited;
  }
}

/** The other end: answers each message with what `work` makes of it. */
export function serveParent<M>(work: (message: M) => Promise<unknown>): void {
  process.once('disconnect', () => process.exit());
  process.on('message', (message: M) => {
    work(message).then(
      (answer) => process.send?.(answer ?? null),
      (error: unknown) => process.send?.({ fault: String(error) }),
    );
  });
}
