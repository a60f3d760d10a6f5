import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  getOperationAST,
  locatedError,
} from 'graphql';
import type { Context } from './context.ts';
import { presentAll } from './errors.ts';
import { type WriteEvent, writerOfEvents } from './plain-events.ts';
import { readVariables } from './variables.ts';

/** One subscription as its transport carries it. */
export interface Line {
  /** Hands over the JSON of one result; resolves when its bytes have left, so that a slow reader skips what is old. */
  tell(result: string): Promise<void>;
  /** As `tell`, for the result that says that the caller has lost the role it needs: nothing comes after it. */
  tellLast(result: string): Promise<void>;
  /** Called once, when the subscription is over, however it ended. */
  over(): void;
}

/**
 * A subscription that tells its line what happens. To the libraries of the protocols it is an iterable that yields
 * nothing: its only `next` lasts as long as the subscription does, and `return` ends it.
 */
export class Events implements AsyncIterableIterator<ExecutionResult> {
  readonly #execution: ExecutionArgs & { contextValue: Context };
  readonly #line: Line;
  #source: AsyncIterator<unknown> | undefined;
  #isOver = false;

  constructor(execution: ExecutionArgs & { contextValue: Context }, line: Line) {
    this.#execution = execution;
    this.#line = line;
  }

  async next(): Promise<IteratorResult<ExecutionResult>> {
    try {
      if (!this.#isOver) await this.#run();
    } finally {
      await this.return();
    }
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<ExecutionResult>> {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#line.over();
      await this.#source?.return?.();
    }
    return { done: true, value: undefined };
  }

  async throw(): Promise<IteratorResult<ExecutionResult>> {
    return this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #run(): Promise<void> {
    const { schema, document, operationName, variableValues } = this.#execution;
    const operation = getOperationAST(document, operationName);
    const { fault } = operation ? readVariables(schema, operation, variableValues) : {};
    if (fault) return this.#tellResult({ errors: [fault] });
    const opened = await createSourceEventStream(this.#execution);
    if (!(Symbol.asyncIterator in opened)) return this.#tellResult(opened);
    const source = opened[Symbol.asyncIterator]();
    // Whoever left while this was being opened has ended it already.
    if (this.#isOver) await source.return?.();
    this.#source = source;
    const write = writerOfEvents(this.#execution);
    while (!this.#isOver) {
      const event = await source.next().catch((error: unknown) => this.#tellFailure(error));
      if (!event || event.done || this.#isOver) return;
      await this.#tellEvent(event.value, write);
    }
  }

  async #tellEvent(event: unknown, write: WriteEvent | undefined): Promise<void> {
    const written = write?.(event);
    const text = written instanceof Promise ? await written : written;
    if (text !== undefined) return this.#tell(text);
    return this.#tellResult(await execute({ ...this.#execution, rootValue: event }));
  }

  /** What ended the source is the last that is told. */
  async #tellFailure(error: unknown): Promise<undefined> {
    await this.#tellResult({ errors: [locatedError(error, undefined)], data: null });
  }

  #tellResult({ errors, ...result }: ExecutionResult): Promise<void> {
    if (!errors) return this.#tell(JSON.stringify(result));
    const { platform, requestId, caller } = this.#execution.contextValue;
    const presented = presentAll(platform, errors, requestId);
    const text = JSON.stringify({ ...result, errors: presented });
    const fell = caller?.role === 'OPERATOR' && presented.some(({ extensions }) => extensions?.code === 'FORBIDDEN');
    if (!fell) return this.#tell(text);
    return this.#line.tellLast(text).then(() => void this.return());
  }

  /** An event that was on its way when the subscription ended is told no more. */
  async #tell(text: string): Promise<void> {
    if (!this.#isOver) await this.#line.tell(text);
  }
}
