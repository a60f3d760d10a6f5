import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Servers } from '../product.ts';
import type { Order, Report, Subject } from './subject.ts';

/** Guards are against other processes. */
const PROCESSES = 2;

/** The processes that work under one guard. */
export class Workers {
  readonly #children: readonly ChildProcess[];
  /** Throws when one of them ends before its work does. */
  readonly #failed: Promise<never>;

  private constructor(children: readonly ChildProcess[]) {
    this.#children = children;
    this.#failed = Promise.race(children.map((child) => once(child, 'exit'))).then(() => {
      throw new Error('a worker ended before its work did');
    });
    this.#failed.catch(() => undefined);
  }

  static async start({ worker }: Subject, guard: string, { databaseUrl, redisUrl }: Servers): Promise<Workers> {
    const children = Array.from({ length: PROCESSES }, () => fork(worker, [guard, databaseUrl, redisUrl]));
    await Promise.all(children.map((child) => once(child, 'message')));
    return new Workers(children);
  }

  /** Shares the work out; what is asked one at a time is asked of one process. */
  async run({ ids, count, atOnce, room }: Order): Promise<{ report: Report; seconds: number }> {
    const children = this.#children.slice(0, atOnce);
    const share = { count: count / children.length, atOnce: atOnce / children.length, room };
    const began = performance.now();
    const reports = await Promise.all(
      children.map((child, index) => {
        // Each begins elsewhere: on many keys they shall meet by chance only.
        const from = Math.floor((ids.length * index) / children.length);
        return this.#ask(child, { ...share, ids: [...ids.slice(from), ...ids.slice(0, from)] });
      }),
    );
    const seconds = (performance.now() - began) / 1_000;
    const sum = (field: 'applied' | 'refused' | 'retries'): number => reports.reduce((all, r) => all + r[field], 0);
    const latencies = reports.flatMap((report) => report.latencies);
    const report = { applied: sum('applied'), refused: sum('refused'), retries: sum('retries'), latencies };
    return { report, seconds };
  }

  async #ask(child: ChildProcess, order: Order): Promise<Report> {
    child.send(order);
    const told = new Promise<Report>((resolve) => child.once('message', (message) => resolve(message as Report)));
    return Promise.race([told, this.#failed]);
  }

  stop(): void {
    for (const child of this.#children) child.disconnect();
  }
}
