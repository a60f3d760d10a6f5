import { hash } from 'node:crypto';
import type { DocumentNode, OperationDefinitionNode } from 'graphql';
import type { Timing } from '../commands/timing.ts';
import { newRequestId } from '../platform/ids.ts';
import type { Platform } from '../platform/platform.ts';
import { type Work, withoutValues } from '../platform/work.ts';
import type { Caller, Context } from './context.ts';
import { rootFieldsOf } from './root-fields.ts';

/*
 * The log has one line for each operation, written when it has been answered. Notes gather, while it runs, what only
 * that moment knows; the rest is worked out from the document, and only for lines that are written.
 */

/** Root fields, commands and statements that a line names at most, each. */
const MAX_NAMED = 50;
/** Characters of an operation's name and of the hash of its document. */
const MAX_NAME = 100;
const HASH_CHARACTERS = 16;

/** Outcome of an operation that was answered without a refusal or an error. */
export const OK = 'ok';

/** What is noted of one request until it has been answered. */
export class Notes implements Work {
  /** By `performance.now()`. */
  readonly startedAt = performance.now();
  #requestId: string | undefined;
  #hasEnded = false;
  #commands: Timing[] | undefined;
  #fields: { readonly field: string; readonly ms: number }[] | undefined;
  #statements: { readonly text: string; readonly ms: number }[] | undefined;
  #refusal: string | undefined;
  #isMomentary = false;

  /** @param requestId as the client gave it; one is made at first use when left out */
  constructor(requestId?: string) {
    this.#requestId = requestId;
  }

  /** Names the request in errors and in the log. */
  get requestId(): string {
    this.#requestId ??= newRequestId();
    return this.#requestId;
  }

  get names(): Record<string, string> | undefined {
    return this.#hasEnded ? undefined : { requestId: this.requestId };
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Code of the first refusal that a root field answered. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** Whether the answer is momentary: it holds now, though caches may keep the same fields at other times. */
  get isMomentary(): boolean {
    return this.#isMomentary;
  }

  noteMomentary(): void {
    this.#isMomentary = true;
  }

  /** How the commands of the request went; undefined when it had none. */
  get commands(): object[] | undefined {
    return this.#commands?.map(({ command, batch, tries, waitingMs, lockingMs, decidingMs, committingMs }) => ({
      command,
      batch,
      tries,
      waitingMs: tenths(waitingMs),
      lockingMs: tenths(lockingMs),
      decidingMs: tenths(decidingMs),
      committingMs: tenths(committingMs),
    }));
  }

  /** Milliseconds of each root field that was executed; undefined when a plan answered. */
  get fields(): object[] | undefined {
    return this.#fields?.map(({ field, ms }) => ({ field, ms: tenths(ms) }));
  }

  /** Milliseconds of each statement that ran for this request, in the order in which they ended. */
  get statements(): object[] | undefined {
    return this.#statements?.map(({ text, ms }) => ({ ms: tenths(ms), sql: withoutValues(text) }));
  }

  noteCommand(timing: Timing): void {
    this.#commands ??= [];
    if (!this.#hasEnded && this.#commands.length < MAX_NAMED) this.#commands.push({ ...timing });
  }

  noteField(field: string, ms: number, refusal: string | undefined): void {
    this.#fields ??= [];
    if (this.#fields.length < MAX_NAMED) this.#fields.push({ field, ms });
    this.#refusal ??= refusal;
  }

  noteStatement(text: string, ms: number): void {
    if (this.#hasEnded) return;
    this.#statements ??= [];
    if (this.#statements.length < MAX_NAMED) this.#statements.push({ text, ms });
  }

  /** Notes no more statements, and names no more lines: what the request started may go on for long. */
  end(): void {
    this.#hasEnded = true;
    this.#statements = undefined;
  }
}

/** An operation as far as it could be read. */
export interface Operation {
  readonly transport: 'http' | 'websocket' | 'sse';
  /** Null for nobody; undefined when it is not known. */
  readonly caller: Caller | null | undefined;
  /** Text of the document. */
  readonly text: string | undefined;
  /** The document, when it is valid. */
  readonly document: DocumentNode | undefined;
  /** The operation of the document that was asked for, if there is one. */
  readonly node: OperationDefinitionNode | null | undefined;
}

/** Whether a query that is answered successfully at this moment has no line: it is not slow, and `debug` is not written. */
export function isQuiet({ log, config }: Platform, { startedAt }: Notes): boolean {
  return !log.isLevelEnabled('debug') && performance.now() - startedAt < config.SLOW_MS;
}

/**
 * Ends the notes of a request and writes its line: successful queries at `debug`, mutations and what failed at `info`,
 * and what took SLOW_MS or longer at `warn`, with the times of its root fields and statements.
 * @param outcome OK, the code of a refusal, or the code of an error
 */
export function logOperation({ log, config }: Platform, notes: Notes, operation: Operation, outcome: string): void {
  const durationMs = performance.now() - notes.startedAt;
  const isSlow = durationMs >= config.SLOW_MS;
  const isUsual = outcome === OK && operation.node?.operation === 'query';
  const level = isSlow ? 'warn' : isUsual ? 'debug' : 'info';
  if (log.isLevelEnabled(level)) {
    const described = describe(operation);
    const line = { requestId: notes.requestId, ...described, durationMs: tenths(durationMs), outcome };
    const { commands } = notes;
    if (!isSlow) log[level]({ ...line, commands }, 'an operation');
    else {
      // A plan answers exactly one root field.
      const fields = notes.fields ?? described.rootFields?.map((field) => ({ field, ms: line.durationMs }));
      log.warn({ ...line, commands, fields, statements: notes.statements }, 'a slow operation');
    }
  }
  notes.end();
}

/** Writes that a subscription has begun, at `debug`. */
export function logBegin(context: Context, operation: Operation): void {
  const { log } = context.platform;
  if (!log.isLevelEnabled('debug')) return;
  log.debug({ requestId: context.requestId, ...describe(operation) }, 'a subscription began');
}

/**
 * Writes that a subscription has ended: at `debug`, or at `info` when it sent an error.
 * @param events how many it sent
 * @param outcome OK, or the code of the last error that it sent
 */
export function logEnd(context: Context, operation: Operation, events: number, outcome: string): void {
  const { log } = context.platform;
  const level = outcome === OK ? 'debug' : 'info';
  if (!log.isLevelEnabled(level)) return;
  const durationMs = tenths(performance.now() - context.startedAt);
  const line = { requestId: context.requestId, ...describe(operation), durationMs, events, outcome };
  log[level](line, 'a subscription ended');
}

/** The code of the first error; OK when there is none. */
export function outcomeOf(
  errors: readonly { readonly extensions?: Record<string, unknown> | undefined }[] = [],
): string {
  const [first] = errors;
  return first ? String(first.extensions?.code) : OK;
}

interface Described {
  readonly userId: string | undefined;
  readonly transport: Operation['transport'];
  readonly operation: string | undefined;
  readonly operationName: string | undefined;
  readonly rootFields: string[] | undefined;
  readonly document: string | undefined;
}

function describe({ transport, caller, text, document, node }: Operation): Described {
  return {
    userId: caller?.id,
    transport,
    operation: node?.operation,
    operationName: node?.name?.value.slice(0, MAX_NAME),
    rootFields: document && node ? [...new Set(rootFieldsOf(document, node))].slice(0, MAX_NAMED) : undefined,
    document: text === undefined ? undefined : hash('sha256', text).slice(0, HASH_CHARACTERS),
  };
}

/** Rounded to tenths; undefined stays as it is, and is not written. */
function tenths<Ms extends number | undefined>(ms: Ms): Ms {
  return (ms === undefined ? ms : Math.round(ms * 10) / 10) as Ms;
}
