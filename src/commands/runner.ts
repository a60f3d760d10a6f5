import { setTimeout as sleep } from 'node:timers/promises';
import { type EntityClass, type EntityManager, FlushMode, OptimisticLockError } from '@mikro-orm/core';
import type { ClassType } from 'type-graphql';
import { CallerError, keptRefusal, Problem, type Refusal, refuse, restoreRefusal } from '../api/problems.ts';
import { breaksConstraint, isConflict, isLockedOut, isUnavailable } from '../platform/faults.ts';
import { forkOf, type Platform, perProcess } from '../platform/platform.ts';
import { readClock } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import { outside } from '../platform/work.ts';
import { Wallet } from '../wallet/wallet.ts';
import type { Surroundings } from './event-types.ts';
import {
  type Claimed,
  claimKeys,
  dropKeys,
  type IdempotencyKey,
  type KeptAnswer,
  keepAnswers,
  nameOfKey,
} from './idempotency.ts';
import {
  type Changed,
  COUPONS,
  EVENTFUL,
  INSERT_ORDER,
  insertRows,
  type Kind,
  LOCK_ORDER,
  lockedByOthers,
  lockFreeNames,
  lockNames,
  lockRows,
  namesWanted,
  WALLETS,
  type Wanted,
} from './lock-order.ts';
import { type Acting, bothOf, type Change, type Deed, deedOf, type LogRow, writeOperatorLog } from './operator-log.ts';
import { type Emitted, writeOutbox } from './outbox.ts';
import { withRedisLock } from './redis-lock.ts';
import { Stopwatch, type Timing } from './timing.ts';

/*
 * Requests change PostgreSQL only through the runner. A command is a verb and the arguments it is asked with. The
 * runner gathers commands into batches and takes each batch through these steps:
 *
 *   schedule   chooses commands in the order of arrival, by the names that they contend for
 *   prepare    reads, without locks, data that never changes; refuses commands that need no lock to be refused
 *   names      locks the names: of shows, of users' limits
 *   claim      claims the idempotency keys
 *   lock       locks the rows, kind by kind in LOCK_ORDER
 *   facts      reads the clock, then the other data that the decisions depend on
 *   decide     decides the commands one after another, in memory
 *   write      writes wallets by version, new rows, changed rows, kept answers, the operators' log, and last the events of
 *              the changes
 *   commit     commits; then each command's steps after the commit run, and its caller gets the answer
 *
 * One transaction covers the steps from `names` to `commit`. After a lost race the batch runs again. After a fault the
 * two halves of the batch run apart, and so on, so that only the command at fault fails.
 */

/** Limits of one batch: its commands, and the rows that they lock together. */
const MAX_COMMANDS = 128;
const MAX_ROWS = 500;
/** Batches under way in one process; each uses one connection. */
const MAX_BATCHES = 3;
/** The same where each batch is about one wallet or coupon, because a lock in Redis guards it. */
const MAX_LOCKED_BATCHES = 6;
/**
 * While a batch is under way, the next one starts beside it only when CROWD commands for each batch under way are
 * waiting, or the oldest command has waited for GATHER_MS milliseconds. Commands of one batch share its statements and
 * its commit, which are most of a command's cost.
 */
const CROWD = 16;
const GATHER_MS = 20;
/** Groups that wait for rows locked by another transaction; each uses one connection. */
const MAX_PATIENT = 2;
/** Tries of a batch or of `runAlone`, the first included, before a lost race fails it. */
const MAX_TRIES = 5;
/**
 * Milliseconds that a batch waits for a lock before it goes on without the commands that want the row. Doubled for each
 * time that one of its commands has waited for a locked row before, up to `MAX_LOCK_MS`.
 */
const LOCK_MS = 150;
const MAX_LOCK_MS = 600;
/** Milliseconds that a group waits for each locked row or name. */
const MAX_PATIENCE_MS = 1 * SECOND;
/** How often a command may wait for a row locked by another transaction. */
const MAX_WAITS = 5;
/**
 * Lost races after which a wallet or coupon is locked instead of checked by its version, and for how many milliseconds.
 */
const MAX_LOST = 2;
const CONTESTED_MS = 2 * SECOND;
const MAX_CONTESTED = 10_000;

/** The arguments of one command, with the results of the verb's `prepare` and `facts` for it. */
export interface Item<Asked, Known = undefined, Facts = undefined> {
  readonly asked: Asked;
  readonly known: Known;
  readonly facts: Facts;
}

/**
 * Result of a verb's `prepare` for one command: data that the later steps use, or an answer or an error that needs no
 * transaction (only for a command without a key).
 */
export type Prepared<Known, Answer> =
  | { readonly known: Known }
  | { readonly answer: Answer }
  | { readonly error: CallerError };

/**
 * A decision to run the command again later: nothing is changed, the key is free again, and the command waits once
 * more.
 */
export class Leave {
  /** @param first runs before the command runs again, outside of any transaction; a short random pause when left out */
  constructor(readonly first?: () => Promise<void>) {}
}

/**
 * Describes a verb to the runner. One object for each verb, for all its commands. `Asked` is the arguments of one
 * command, `Known` the result of `prepare` for it, `Facts` the result of `facts` for it.
 */
export interface Verb<Asked, Answer, Known = undefined, Facts = undefined> {
  /** Name of the mutation; idempotency keys are kept under it. */
  readonly name: string;
  /** Names that a command contends for, such as `wallet:<id>`: two commands that share a name keep their order. */
  contends(asked: Asked): readonly string[];
  /** About how many rows a command locks; the number of names that it contends for when left out. */
  weight?(asked: Asked): number;
  /**
   * Reads without locks, for all commands of the batch at once: data that never changes, and data that allows a command
   * without a key to be refused at once.
   */
  prepare?(platform: Platform, asked: readonly Asked[]): Promise<readonly Prepared<Known, Answer>[]>;
  /** Names the rows and limits that are locked before the command is decided. */
  locks(asked: Asked, known: Known): Wanted;
  /** Reads, under the locks and for all commands at once, the other data that the decisions depend on. */
  facts?(em: EntityManager, items: readonly Item<Asked, Known>[], scene: Scene): Promise<readonly Facts[]>;
  /**
   * Set where `facts` reads the clock with its first statement and tells it by `scene.tellTime`: a batch of this verb alone
   * saves the statement that reads the clock.
   */
  readonly readsClock?: true;
  /**
   * Decides a command and changes rows in memory. Each command sees the changes of the commands before it. It checks
   * everything before it changes anything, and does no I/O.
   * @returns the answer, where a Problem is a refusal, kept under the command's key; or Leave, to run again later
   * @throws CallerError for a mistake of the caller, with nothing changed
   */
  decide(item: Item<Asked, Known, Facts>, scene: Scene): Answer | Leave;
  /** The answer that is kept under a key, unless `keep` or a refusal replaces it. Required of verbs that take keys. */
  presumed?(asked: Asked): KeptAnswer;
  /**
   * The kept form of an answer that is neither the presumed one nor a refusal kept by its fields; undefined for others.
   */
  keep?(answer: Answer): KeptAnswer | undefined;
  /** Reads the answer that was kept with an id, with its fields as they are now. */
  replay?(em: EntityManager, kept: KeptAnswer & { readonly id: string }, asked: Asked): Promise<Answer>;
  /** Classes of refusals, besides Refusal, that are kept by their fields. */
  readonly refusals?: Record<string, ClassType<Problem>>;
}

type AnyVerb = Verb<unknown, unknown, unknown, unknown>;

/** The request or job that waits for a command. */
export interface Caller {
  readonly platform: Platform;
  /** Whether the caller has stopped waiting for the answer: then the command does not begin. */
  isOver(): boolean;
  /** Names the request in the log and with the events that it causes; undefined for a job. */
  readonly requestId?: string;
  /** Set for a caller who acts by the role of an operator: what the command does is written into the operators' log. */
  readonly acting?: Acting | null;
  /** Learns how the command went, before it is answered. */
  noteCommand?(timing: Timing): void;
}

/**
 * Runs after the commit. A result other than undefined replaces the command's answer; an error that it throws does too.
 */
export type AfterStep = () => Promise<unknown>;

/** The locked rows of a batch, with the changes that its commands make. */
export class Scene implements Surroundings {
  readonly platform: Platform;
  /** PostgreSQL's clock, read once under the locks. */
  now = new Date(Number.NaN);
  readonly #rows = new Map<EntityClass<object>, Map<string, Changed<object>>>();
  readonly #inserts = new Map<EntityClass<object>, object[]>();
  readonly #shared = new Map<AfterStep | ((platform: Platform) => Promise<void>), Promise<void>>();
  readonly #granted = new Map<string, number>();
  /** Rows whose changes are told: as they were when the last command was decided. */
  readonly #told = new Map<object, object>();
  /** New rows of the command that is being decided. */
  #new: object[] = [];
  readonly #emitted: Emitted[] = [];
  /** Whether the changes of all kinds are told, and not only those of kinds with events: an operator's command is here. */
  readonly #isLogged: boolean;
  readonly #logged: LogRow[] = [];
  /** What the command that is being decided does besides changing rows. */
  #noted: Deed | undefined;
  #steps: AfterStep[] = [];

  /** @param callers of the commands that are decided */
  constructor(platform: Platform, callers: readonly Pick<Caller, 'acting'>[]) {
    this.platform = platform;
    this.#isLogged = callers.some(({ acting }) => acting);
  }

  /** Sets the clock, for the runner and for verbs with `readsClock`; the first reading holds for the whole batch. */
  tellTime(now: Date): void {
    if (Number.isNaN(this.now.getTime())) this.now = now;
  }

  /** @returns the locked row; undefined when it does not exist, needs no lock, or was skipped because it was locked */
  find<E extends object>(kind: Kind<E>, id: string): E | undefined {
    return this.rowOf(kind.entity, id);
  }

  /** @returns the locked row. @throws Error when it was not locked or does not exist */
  get<E extends object>(kind: Kind<E>, id: string): E {
    const row = this.find(kind, id);
    if (!row) throw new Error(`a ${kind.entity.name} that a command needs was not locked`);
    return row;
  }

  /** As `find`, by the class of the row. */
  rowOf<E extends object>(entity: EntityClass<E>, id: string): E | undefined {
    return this.#rows.get(entity as EntityClass<object>)?.get(id)?.after as E | undefined;
  }

  /** Adds new rows, written once all commands are decided. `find` and `get` do not return them. */
  insert(...entities: object[]): void {
    this.#new.push(...entities);
    for (const entity of entities) {
      const entityClass = entity.constructor as EntityClass<object>;
      const list = this.#inserts.get(entityClass);
      if (list) list.push(entity);
      else this.#inserts.set(entityClass, [entity]);
    }
  }

  /**
   * @param limit a name as in `Wanted`
   * @returns how much of a limit the commands of this batch have used, in addition to what PostgreSQL counts
   */
  granted(limit: string): number {
    return this.#granted.get(limit) ?? 0;
  }

  /** Counts so much more of a limit as used by this batch. */
  grant(limit: string, count: number): void {
    this.#granted.set(limit, this.granted(limit) + count);
  }

  /**
   * Notes what the command that is being decided does besides changing rows, such as a step after the commit that changes
   * Redis, for its row of the operators' log.
   */
  note(deed: Deed): void {
    this.#noted = deed;
  }

  /** Adds a step that runs after the commit, for the command that is being decided. */
  after(step: AfterStep): void {
    this.#steps.push(step);
  }

  /**
   * Adds a step that the commands of the batch share: it runs once, and each of them waits for it. It must not throw.
   */
  afterOnce(step: (platform: Platform) => Promise<void>): void {
    this.#steps.push(() => {
      const running = this.#shared.get(step) ?? step(this.platform);
      this.#shared.set(step, running);
      return running;
    });
  }

  /** For the runner: takes the steps of the command that was just decided. */
  takeSteps(): readonly AfterStep[] {
    const steps = this.#steps;
    this.#steps = [];
    return steps;
  }

  /**
   * For the runner: notes the events of the command that was just decided, and its row of the operators' log.
   * @param wanted the rows that the command was given to change
   * @param answer when it is a refusal, or the command left, and nothing has changed, it has no row
   */
  takeChanges({ rows = [] }: Wanted, { acting, requestId }: Caller, answer: unknown): void {
    const changes: (Change & { readonly after: object })[] = this.#new.map((after) => ({ after }));
    this.#new = [];
    for (const [kind, ids] of rows) {
      if (!this.#isTold(kind)) continue;
      for (const id of ids) {
        const row: object | undefined = this.find(kind, id);
        const before = row && this.#told.get(row);
        if (!row || !before || !differs(before, row)) continue;
        const after = copyOf(row);
        changes.push({ before, after });
        this.#told.set(row, after);
      }
    }
    for (const { before, after } of changes) this.#emit(before, after, requestId);
    const noted = this.#noted;
    this.#noted = undefined;
    const isRefused = answer instanceof Problem || answer instanceof Leave;
    if (!acting || (isRefused && changes.length === 0)) return;
    const asked = { subjectIds: rows.flatMap(([, ids]) => ids), before: [], after: [] };
    const deed = changes.length > 0 ? deedOf(changes) : asked;
    this.#logged.push({ ...(noted ? bothOf(deed, noted) : deed), acting, requestId, at: this.now });
  }

  #isTold(kind: Kind<never>): boolean {
    return this.#isLogged || kind.events !== undefined;
  }

  #emit(before: object | undefined, after: object, requestId: string | undefined): void {
    const eventsOf = EVENTFUL.get(after.constructor as EntityClass<object>);
    for (const event of eventsOf?.({ before, after }, this) ?? []) this.#emitted.push({ event, requestId });
  }

  /** For the runner: the events of all commands, in the order in which they were decided. */
  get emitted(): readonly Emitted[] {
    return this.#emitted;
  }

  /** For the runner: the rows of the operators' log of all commands. */
  get logged(): readonly LogRow[] {
    return this.#logged;
  }

  /** For the runner: adds rows as they were read. */
  add<E extends object>(kind: Kind<E>, rows: ReadonlyMap<string, E>): void {
    const known = this.#rows.get(kind.entity as EntityClass<object>) ?? new Map<string, Changed<object>>();
    for (const [id, row] of rows) {
      const isTold = this.#isTold(kind as unknown as Kind<never>);
      const before = kind.write || isTold ? copyOf(row) : row;
      known.set(id, { before, after: row });
      if (isTold) this.#told.set(row, before);
    }
    this.#rows.set(kind.entity as EntityClass<object>, known);
  }

  /** For the runner: those of `ids` whose rows were not added yet. */
  missing(kind: Kind<never>, ids: readonly string[]): string[] {
    const known = this.#rows.get(kind.entity as EntityClass<object>);
    return ids.filter((id) => !known?.has(id));
  }

  /** For the runner: the rows of a kind that were changed. */
  changed(kind: Kind<never>): Changed<never>[] {
    const rows = [...(this.#rows.get(kind.entity as EntityClass<object>)?.values() ?? [])];
    return rows.filter(({ before, after }) => differs(before, after)) as Changed<never>[];
  }

  /** For the runner: the new rows, class by class; classes that others refer to come first. */
  *inserts(): Generator<object[]> {
    const known = INSERT_ORDER as readonly EntityClass<object>[];
    for (const entityClass of [...known, ...[...this.#inserts.keys()].filter((other) => !known.includes(other))]) {
      const rows = this.#inserts.get(entityClass);
      if (rows) yield rows;
    }
  }
}

/** A command that the runner has accepted. */
interface Entry extends Caller {
  /** Its number in the order of arrival. */
  readonly place: number;
  /** By `performance.now()`, in milliseconds. */
  readonly arrivedAt: number;
  /** How often it has waited for a row locked by another transaction. */
  waits: number;
  /** Whether it was answered: it must not be run again with what is left of its batch. */
  isSettled: boolean;
  readonly verb: AnyVerb;
  readonly asked: unknown;
  readonly key: IdempotencyKey | undefined;
  readonly contends: readonly string[];
  readonly timing: Timing;
  settle(outcome: Outcome): void;
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** A command that a transaction is to decide, with the results of `prepare` and `locks` for it. */
interface Open {
  readonly entry: Entry;
  readonly known: unknown;
  readonly wanted: Wanted;
}

/** The result of a transaction for one command, passed on after the commit. */
type Result =
  | { readonly entry: Entry; readonly answer: unknown; readonly steps: readonly AfterStep[] }
  | { readonly entry: Entry; readonly error: CallerError }
  | { readonly entry: Entry; readonly kept: KeptAnswer | 'CONFLICT' }
  | { readonly entry: Entry; readonly leave: Leave }
  | { readonly entry: Entry; readonly behind: string };

/**
 * Runs a command of `verb`.
 * @param asked the command's arguments, already checked
 * @param key the caller's idempotency key, if one was given, with the input that it was sent with
 * @returns the verb's answer; a Refusal IDEMPOTENCY_CONFLICT when the key came with other input before
 * @throws CallerError as the verb does; SERVICE_UNAVAILABLE, with nothing done, when the caller has stopped waiting
 */
export function run<Asked, Answer, Known, Facts>(
  caller: Caller,
  verb: Verb<Asked, Answer, Known, Facts>,
  asked: Asked,
): Promise<Answer>;
export function run<Asked, Answer, Known, Facts>(
  caller: Caller,
  verb: Verb<Asked, Answer, Known, Facts>,
  asked: Asked,
  key: Omit<IdempotencyKey, 'mutation'> | undefined,
): Promise<Answer | Refusal>;
export function run<Asked, Answer, Known, Facts>(
  caller: Caller,
  verb: Verb<Asked, Answer, Known, Facts>,
  asked: Asked,
  key?: Omit<IdempotencyKey, 'mutation'>,
): Promise<Answer | Refusal> {
  const { platform } = caller;
  return runners(platform).run({
    platform,
    isOver: () => caller.isOver(),
    ...(caller.requestId !== undefined && { requestId: caller.requestId }),
    ...(caller.acting && { acting: caller.acting }),
    verb: verb as unknown as AnyVerb,
    asked,
    key: key && { ...key, mutation: verb.name },
    contends: verb.contends(asked),
    timing: { command: verb.name, batch: 0, tries: 0, waitingMs: 0 },
    noteCommand: (timing) => caller.noteCommand?.(timing),
  }) as Promise<Answer | Refusal>;
}

/**
 * Runs work that is not a command in a transaction of its own: jobs, and work that writes very many rows. A process
 * runs one such work at a time, so that together they use one connection. After a lost race the work runs again from
 * the start.
 * @param work may run several times; each time in a new transaction
 * @returns the result of `work`, after the commit
 * @throws what `work` or PostgreSQL throws, with nothing changed; after five lost races the last error
 */
export function runAlone<T>(platform: Platform, work: (em: EntityManager) => Promise<T>): Promise<T> {
  return runners(platform).runAlone(work);
}

const runners = perProcess((platform) => new Runner(platform));

class Runner {
  readonly #platform: Platform;
  /** Commands that wait for a batch, in the order of arrival. */
  readonly #waiting: Entry[] = [];
  #arrived = 0;
  readonly #underWay = new Map<string, number>();
  #batches = 0;
  #isPumping = false;
  #gathering: NodeJS.Timeout | undefined;
  readonly #patient: (() => Promise<void>)[] = [];
  #patientRunning = 0;
  /**
   * Names of shows that a group waits for, with the commands that wait for the end of that group: a show that an operator
   * changes for seconds holds up one group, not a batch after the other.
   */
  readonly #held = new Map<string, Entry[]>();
  #alone: Promise<unknown> = Promise.resolve();
  /**
   * Names that lost races lately, such as `wallet:<id>`, with the instant (ms since 1970) until which rows are locked.
   */
  readonly #contested = new Map<string, number>();

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  async run(command: Omit<Entry, 'settle' | 'isSettled' | 'place' | 'arrivedAt' | 'waits'>): Promise<unknown> {
    const outcome = await new Promise<Outcome>((settle) => {
      const entry: Entry = {
        ...command,
        place: this.#arrived++,
        arrivedAt: performance.now(),
        waits: 0,
        isSettled: false,
        settle: (outcome) => {
          entry.isSettled = true;
          entry.noteCommand?.(entry.timing);
          settle(outcome);
        },
      };
      this.#enqueue(entry);
    });
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  runAlone<T>(work: (em: EntityManager) => Promise<T>): Promise<T> {
    const turn = this.#alone.then(() => this.#retry(async () => this.#transaction(async (em) => work(em))));
    this.#alone = turn.catch(() => undefined);
    return turn;
  }

  // ---------------------------------------------------------------- schedule

  /**
   * Adds a command to those that wait. A command that comes back takes the place of its first arrival. The array is
   * changed in place: copying it for each command would cost too much in a crowd.
   */
  #enqueue(entry: Entry): void {
    const last = this.#waiting.at(-1);
    if (!last || last.place < entry.place) this.#waiting.push(entry);
    else
      this.#waiting.splice(
        this.#waiting.findIndex(({ place }) => place > entry.place),
        0,
        entry,
      );
    this.#pump();
  }

  /** Starts batches while there is room. Commands that arrive in one turn of the event loop may share a batch. */
  #pump(): void {
    if (this.#isPumping || this.#batches >= MAX_LOCKED_BATCHES || this.#waiting.length === 0) return;
    this.#isPumping = true;
    const start = (): void => {
      this.#isPumping = false;
      while (this.#hasRoom()) {
        const batch = this.#take();
        if (batch.length === 0) return;
        this.#start(batch);
      }
    };
    setImmediate(() => outside(start));
  }

  #hasRoom(): boolean {
    const [oldest] = this.#waiting;
    if (!oldest) return false;
    // Commands that arrive later cannot share a batch with this one unless they want the same lock.
    if (this.#redisLockOf(oldest) !== undefined) return this.#batches < MAX_LOCKED_BATCHES;
    if (this.#batches >= MAX_BATCHES) return false;
    if (this.#batches === 0 || this.#waiting.length >= CROWD * this.#batches) return true;
    const left = oldest.arrivedAt + GATHER_MS - performance.now();
    if (left <= 0) return true;
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.#pump();
    }, left);
    return false;
  }

  /**
   * Takes the next batch, in the order of arrival. A command is left waiting while a batch under way, or an earlier
   * command that is left waiting, contends for one of its names. Commands of one batch may contend with each other.
   */
  #take(): Entry[] {
    const batch: Entry[] = [];
    const left: Entry[] = [];
    const blocked = new Set<string>();
    const keys = new Set<string>();
    let rows = 0;
    let lock: string | undefined;
    let index = 0;
    for (; index < this.#waiting.length && batch.length < MAX_COMMANDS && rows < MAX_ROWS; index++) {
      const entry = this.#waiting[index] as Entry;
      if (entry.isSettled) continue;
      if (entry.isOver()) {
        entry.settle(tooLate());
        continue;
      }
      const { contends, key } = entry;
      const keyName = key && nameOfKey(key);
      const lockName = this.#redisLockOf(entry);
      const isFree =
        !contends.some((name) => this.#underWay.has(name) || blocked.has(name)) &&
        !(keyName !== undefined && keys.has(keyName)) &&
        (batch.length === 0 || lockName === lock);
      if (!isFree) {
        for (const name of contends) blocked.add(name);
        left.push(entry);
        continue;
      }
      if (batch.length === 0) lock = lockName;
      if (keyName !== undefined) keys.add(keyName);
      rows += entry.verb.weight?.(entry.asked) ?? contends.length;
      batch.push(entry);
    }
    this.#waiting.splice(0, index, ...left);
    return batch;
  }

  #start(batch: readonly Entry[]): void {
    this.#batches++;
    this.#mark(namesOf(batch), 1);
    void this.#attempt(batch).then((patient) => {
      this.#batches--;
      this.#mark(namesOf(batch.filter((entry) => !patient.has(entry))), -1);
      this.#pump();
    });
  }

  /** Counts, for each name, the commands under way that contend for it. @param by 1 to add one, -1 to take one away */
  #mark(names: readonly string[], by: 1 | -1): void {
    for (const name of names) {
      const count = (this.#underWay.get(name) ?? 0) + by;
      if (count > 0) this.#underWay.set(name, count);
      else this.#underWay.delete(name);
    }
  }

  /**
   * The lock in Redis that the configured guards put around a command; undefined for none. All commands of a batch have
   * the same one.
   */
  #redisLockOf({ contends }: Entry): string | undefined {
    const { WALLET_GUARD, COUPON_GUARD } = this.#platform.config;
    return contends.find(
      (name) =>
        (WALLET_GUARD === 'redis-lock' && name.startsWith('wallet:')) ||
        (COUPON_GUARD === 'redis-lock' && name.startsWith('coupon:')),
    );
  }

  // ---------------------------------------------------------------- tries

  /**
   * Runs commands until each is settled or waits again. Never throws.
   * @returns the commands that wait for a row locked by another transaction: they go on contending for that row
   */
  async #attempt(batch: readonly Entry[]): Promise<ReadonlySet<Entry>> {
    const wanted = stillWanted(batch);
    if (wanted.length === 0) return new Set();
    try {
      const lock = this.#redisLockOf(wanted[0] as Entry);
      const tries = (): Promise<readonly Result[]> => this.#retry((lost) => this.#perform(wanted, lost), wanted);
      const results = lock === undefined ? await tries() : await withRedisLock(this.#platform, lock, tries);
      this.#tell(results);
      return this.#holdBack(results);
    } catch (error) {
      if (isLockedOut(error)) return this.#goOnWithoutLocked(wanted, error);
      if (wanted.length === 1) {
        wanted[0]?.settle({ error });
        return new Set();
      }
      if (isUnavailable(error)) {
        for (const { settle } of wanted) settle({ error });
        return new Set();
      }
      this.#platform.log.warn({ err: error, commands: wanted.length }, 'a batch failed and is tried in halves');
      const half = Math.ceil(wanted.length / 2);
      const first = await this.#attempt(wanted.slice(0, half));
      return first.union(await this.#attempt(wanted.slice(half)));
    }
  }

  /** Runs `work`, and again after a random pause when it lost a race. @throws the last error after five lost races */
  async #retry<T>(work: (lost: number) => Promise<T>, entries: readonly Entry[] = []): Promise<T> {
    for (let lost = 0; ; lost++) {
      try {
        return await work(lost);
      } catch (error) {
        if (!isConflict(error) && !breaksConstraint(error, 'entry_chain')) throw error;
        this.#rememberContested(error, entries, lost + 1);
        if (lost + 1 >= MAX_TRIES) throw error;
        await sleep(Math.random() * 5 * 2 ** lost);
      }
    }
  }

  #rememberContested(error: unknown, entries: readonly Entry[], lost: number): void {
    if (lost < MAX_LOST) return;
    if (this.#contested.size > MAX_CONTESTED) this.#contested.clear();
    const until = Date.now() + CONTESTED_MS;
    const wallet =
      error instanceof OptimisticLockError ? (error.getEntity() as Partial<Wallet> | undefined) : undefined;
    const names =
      wallet?.userId === undefined ? entries.flatMap(({ contends }) => contends) : [`wallet:${wallet.userId}`];
    for (const name of names) this.#contested.set(name, until);
  }

  #isContested(sort: 'wallet' | 'coupon', ids: readonly string[]): boolean {
    const now = Date.now();
    return ids.some((id) => (this.#contested.get(`${sort}:${id}`) ?? 0) > now);
  }

  /**
   * Splits a batch that waited too long for a lock. The commands that want a row locked by another transaction wait for
   * it in groups; the others go on at once.
   */
  async #goOnWithoutLocked(batch: readonly Entry[], error: unknown): Promise<ReadonlySet<Entry>> {
    try {
      for (const entry of batch) if (++entry.waits > MAX_WAITS) entry.settle({ error });
      const { open } = await this.#prepare(stillWanted(batch));
      const groups = groupsOf(open, await this.#lockedBy(open));
      const waiting = new Set(groups.flatMap(({ open }) => open.map(({ entry }) => entry)));
      for (const group of groups) this.#waitPatiently(group);
      const rest = await this.#attempt(batch.filter((entry) => !waiting.has(entry)));
      return waiting.union(rest);
    } catch (error) {
      for (const { settle } of batch) settle({ error });
      return new Set();
    }
  }

  /** For each command, the ids and limits that it wants and that another transaction has locked at this moment. */
  async #lockedBy(open: readonly Open[]): Promise<ReadonlyMap<Open, readonly string[]>> {
    const locked = new Set<string>();
    await this.#transaction(async (em) => {
      const names = open.flatMap(({ wanted }) => namesWanted(wanted));
      if (names.length > 0) {
        const free = new Set(
          await lockFreeNames(
            em,
            open.map(({ wanted }) => wanted),
          ),
        );
        for (const name of names) if (!free.has(name)) locked.add(name);
      }
      for (const kind of LOCK_ORDER) {
        if (kind.lock !== 'wait') continue;
        const ids = [...new Set(open.flatMap(({ wanted }) => idsOf(wanted, kind)))];
        if (ids.length > 0) for (const id of await lockedByOthers(em, kind, ids)) locked.add(id);
      }
    });
    const wantedBy = ({ wanted }: Open): string[] => [
      ...namesWanted(wanted),
      ...(wanted.rows ?? []).flatMap(([, ids]) => ids),
    ];
    return new Map(open.map((one) => [one, wantedBy(one).filter((id) => locked.has(id))]));
  }

  /**
   * Waits for locked rows, for at most the time limit of one statement, beside the batches and without any other lock.
   * Then the commands take their places again.
   */
  #waitPatiently({ names, open }: Group): void {
    const entries = open.map(({ entry }) => entry);
    const behind = open.map((one) => this.#heldBy(one)).find((name) => name !== undefined);
    if (behind !== undefined) {
      this.#holdBack(entries.map((entry) => ({ entry, behind })));
      return;
    }
    const shows = new Set(open.flatMap(({ wanted: { shared = [] } }) => shared.filter((name) => names.has(name))));
    for (const show of shows) this.#held.set(show, []);
    const isLocked = (name: string): boolean => names.has(name) || names.has(name.slice(name.indexOf(':') + 1));
    const contended = namesOf(entries);
    this.#mark(
      contended.filter((name) => !isLocked(name)),
      -1,
    );
    const work = async (): Promise<void> => {
      const isWanted = stillWanted(entries).length > 0;
      const outcome = isWanted
        ? await this.#waitForRows(names, open).catch((error: unknown) => ({ error }))
        : undefined;
      this.#mark(contended.filter(isLocked), -1);
      for (const entry of entries) {
        if (outcome) entry.settle(outcome);
        else if (!entry.isSettled) this.#enqueue(entry);
      }
      for (const show of shows) {
        const followers = this.#held.get(show) ?? [];
        this.#held.delete(show);
        for (const follower of followers) this.#enqueue(follower);
      }
      this.#patientRunning--;
      this.#nextPatient();
      this.#pump();
    };
    this.#patient.push(work);
    this.#nextPatient();
  }

  /**
   * Lets commands wait for the end of the group that waits for their show, contending for nothing meanwhile.
   * @returns these commands
   */
  #holdBack(results: readonly Result[]): ReadonlySet<Entry> {
    const held = results.flatMap((result) => ('behind' in result ? [result] : []));
    for (const { entry, behind } of held) {
      this.#mark(entry.contends, -1);
      const followers = this.#held.get(behind);
      if (followers) followers.push(entry);
      else this.#enqueue(entry);
    }
    return new Set(held.map(({ entry }) => entry));
  }

  /** The name of a show that the command wants and that a group waits for. */
  #heldBy({ wanted: { shared = [] } }: Open): string | undefined {
    return shared.find((name) => this.#held.has(name));
  }

  async #waitForRows(names: ReadonlySet<string>, open: readonly Open[]): Promise<undefined> {
    await this.#transaction(async (em) => {
      await lockNames(
        em,
        open.map(({ wanted }) => only(wanted, names)),
        MAX_PATIENCE_MS,
      );
      for (const kind of LOCK_ORDER) {
        const ids = open.flatMap(({ wanted }) => idsOf(wanted, kind)).filter((id) => names.has(id));
        if (kind.lock === 'wait' && ids.length > 0) await lockRows(em, kind, ids);
      }
    });
    return undefined;
  }

  #nextPatient(): void {
    if (this.#patientRunning >= MAX_PATIENT) return;
    const work = this.#patient.shift();
    if (!work) return;
    this.#patientRunning++;
    void work();
  }

  // ---------------------------------------------------------------- one try

  /**
   * Takes commands through all steps up to the commit.
   * @returns their results; those that `prepare` answered are settled
   */
  async #perform(batch: readonly Entry[], lost: number): Promise<readonly Result[]> {
    const wanted = batch.filter(({ isSettled }) => !isSettled);
    const stopwatch = new Stopwatch(wanted);
    const { open: prepared, early } = await this.#prepare(wanted);
    for (const { entry, outcome } of early) entry.settle(outcome);
    const { open, held } = this.#withoutHeld(prepared);
    if (open.length === 0) return held;
    const scene = new Scene(
      this.#platform,
      open.map(({ entry }) => entry),
    );
    const { results, changes } = await this.#transaction(async (em) => {
      await lockNames(
        em,
        open.map(({ wanted }) => wanted),
        lockMsOf(batch),
      );
      return this.#decideAndWrite(em, scene, open, lost, stopwatch);
    });
    stopwatch.end('committingMs');
    for (const [kind, rows] of changes) {
      kind.announce?.(
        this.#platform,
        rows.map(({ after }) => after),
        scene.now,
      );
    }
    return [...results, ...held];
  }

  #withoutHeld(prepared: readonly Open[]): { open: readonly Open[]; held: readonly Result[] } {
    if (this.#held.size === 0) return { open: prepared, held: [] };
    const open: Open[] = [];
    const held: Result[] = [];
    for (const one of prepared) {
      const behind = this.#heldBy(one);
      if (behind === undefined) open.push(one);
      else held.push({ entry: one.entry, behind });
    }
    return { open, held };
  }

  async #prepare(batch: readonly Entry[]): Promise<{ open: Open[]; early: { entry: Entry; outcome: Outcome }[] }> {
    const prepared = new Map<Entry, Prepared<unknown, unknown>>();
    await Promise.all(
      [...Map.groupBy(batch, ({ verb }) => verb)].map(async ([verb, entries]) => {
        const found = await verb.prepare?.(
          this.#platform,
          entries.map(({ asked }) => asked),
        );
        for (const [index, entry] of entries.entries()) prepared.set(entry, found?.[index] ?? { known: undefined });
      }),
    );
    const open: Open[] = [];
    const early: { entry: Entry; outcome: Outcome }[] = [];
    for (const entry of batch) {
      const found = prepared.get(entry) as Prepared<unknown, unknown>;
      if ('answer' in found) early.push({ entry, outcome: { value: found.answer } });
      else if ('error' in found) early.push({ entry, outcome: found });
      else open.push({ entry, known: found.known, wanted: entry.verb.locks(entry.asked, found.known) });
    }
    return { open, early };
  }

  async #decideAndWrite(
    em: EntityManager,
    scene: Scene,
    open: readonly Open[],
    lost: number,
    stopwatch: Stopwatch,
  ): Promise<{ results: Result[]; changes: (readonly [Kind<never>, Changed<never>[]])[] }> {
    const claims = await claimAll(em, open);
    const results: Result[] = [];
    const fresh: Open[] = [];
    for (const one of open) {
      const claimed = claims.get(one) ?? 'FRESH';
      if (claimed === 'FRESH') fresh.push(one);
      else
        results.push(
          claimed === 'BUSY' ? { entry: one.entry, leave: new Leave() } : { entry: one.entry, kept: claimed },
        );
    }
    await this.#lock(em, scene, fresh, lost);
    stopwatch.end('lockingMs');
    const facts = await this.#readFacts(em, scene, fresh);
    const kept: { key: IdempotencyKey; answer: KeptAnswer }[] = [];
    const dropped: IdempotencyKey[] = [];
    for (const one of fresh) {
      const result = decideOne(one, facts.get(one), scene);
      results.push(result);
      const { key } = one.entry;
      if (!key) continue;
      if ('answer' in result) {
        const answer = keptOf(one.entry.verb, result.answer);
        if (answer) kept.push({ key, answer });
      } else dropped.push(key);
    }
    stopwatch.end('decidingMs');
    const changes = await write(em, scene);
    if (kept.length > 0) await keepAnswers(em, kept);
    if (dropped.length > 0) await dropKeys(em, dropped);
    await writeOperatorLog(em, scene.logged);
    await writeOutbox(em, scene.emitted);
    return { results, changes };
  }

  /** Takes the locks of all rows that the commands want, kind after kind and each kind by id, and reads the rows. */
  async #lock(em: EntityManager, scene: Scene, open: readonly Open[], lost: number): Promise<void> {
    for (const kind of LOCK_ORDER) {
      const ids = scene.missing(kind, [...new Set(open.flatMap(({ wanted }) => idsOf(wanted, kind)))]);
      if (ids.length === 0) continue;
      const rows = await lockRows<object>(em, this.#guarded(kind, ids, lost) as unknown as Kind, ids);
      if (rows.size > 0) await (kind as unknown as Kind).complete?.(em, [...rows.values()]);
      scene.add(kind as unknown as Kind, rows);
    }
  }

  /** The kind with the lock that the configured guard asks for. */
  #guarded(kind: Kind<never>, ids: readonly string[], lost: number): Kind<never> {
    const { WALLET_GUARD, COUPON_GUARD } = this.#platform.config;
    const isWallet = kind === (WALLETS as unknown);
    if (!isWallet && kind !== (COUPONS as unknown)) return kind;
    const guard = isWallet ? WALLET_GUARD : COUPON_GUARD;
    const isLocked =
      guard === 'pessimistic' ||
      guard === 'script' ||
      lost >= MAX_LOST ||
      this.#isContested(isWallet ? 'wallet' : 'coupon', ids);
    return isLocked ? kind : { ...kind, lock: 'version' };
  }

  /** Reads the clock, then the facts of each verb. @returns facts by command; none for verbs without `facts` */
  async #readFacts(em: EntityManager, scene: Scene, open: readonly Open[]): Promise<Map<Open, unknown>> {
    const facts = new Map<Open, unknown>();
    const byVerb = Map.groupBy(open, ({ entry }) => entry.verb);
    if (byVerb.size > 1 || ![...byVerb.keys()][0]?.readsClock) scene.tellTime(await readClock(em));
    for (const [verb, ones] of byVerb) {
      const items = ones.map(({ entry: { asked }, known }) => ({ asked, known, facts: undefined }));
      const found = await verb.facts?.(em, items as never, scene);
      if (found) for (const [index, one] of ones.entries()) facts.set(one, found[index]);
    }
    return facts;
  }

  async #transaction<T>(work: (em: EntityManager) => Promise<T>): Promise<T> {
    const em = forkOf(this.#platform);
    em.setFlushMode(FlushMode.COMMIT);
    await em.begin();
    try {
      const result = await work(em);
      await em.commit();
      return result;
    } catch (error) {
      await em.rollback().catch(() => undefined);
      throw error;
    }
  }

  // ---------------------------------------------------------------- answers

  /** Runs, after the commit, each command's steps, then gives its answer to the caller. */
  #tell(results: readonly Result[]): void {
    for (const result of results) void this.#tellOne(result).then((outcome) => outcome && result.entry.settle(outcome));
  }

  async #tellOne(result: Result): Promise<Outcome | undefined> {
    const { entry } = result;
    try {
      if ('error' in result) return result;
      if ('behind' in result) return undefined;
      if ('kept' in result) return { value: await this.#replay(entry, result.kept) };
      if ('leave' in result) {
        await (result.leave.first?.() ?? sleep(5 + Math.random() * 15));
        this.#enqueue(entry);
        return undefined;
      }
      let value = result.answer;
      for (const replaced of await Promise.all(result.steps.map((step) => step()))) value = replaced ?? value;
      return { value };
    } catch (error) {
      return { error };
    }
  }

  async #replay({ verb, asked }: Entry, kept: KeptAnswer | 'CONFLICT'): Promise<unknown> {
    if (kept === 'CONFLICT') return refuse('IDEMPOTENCY_CONFLICT');
    const { id } = kept;
    if (id === undefined) return restoreRefusal(kept, verb.refusals);
    if (!verb.replay) throw new Error(`${verb.name} kept an answer that it cannot replay`);
    return verb.replay(forkOf(this.#platform), { ...kept, id }, asked);
  }
}

/** Those that are not answered yet; those whose callers have given up are answered here. */
function stillWanted(entries: readonly Entry[]): Entry[] {
  for (const entry of entries) if (!entry.isSettled && entry.isOver()) entry.settle(tooLate());
  return entries.filter(({ isSettled }) => !isSettled);
}

function tooLate(): Outcome {
  return { error: new CallerError('SERVICE_UNAVAILABLE') };
}

async function claimAll(em: EntityManager, open: readonly Open[]): Promise<Map<Open, Claimed>> {
  const keyed = open.flatMap((one) => {
    const { key, verb, asked } = one.entry;
    if (!key) return [];
    if (!verb.presumed) throw new Error(`${verb.name} takes no idempotency keys`);
    return [{ one, key, presumed: verb.presumed(asked) }];
  });
  if (keyed.length === 0) return new Map();
  const claimed = await claimKeys(em, keyed);
  return new Map(keyed.map(({ one }, index) => [one, claimed[index] as Claimed]));
}

function decideOne({ entry, known, wanted }: Open, facts: unknown, scene: Scene): Result {
  try {
    if (entry.isOver()) throw new CallerError('SERVICE_UNAVAILABLE');
    const answer = entry.verb.decide({ asked: entry.asked, known, facts }, scene);
    const steps = scene.takeSteps();
    scene.takeChanges(wanted, entry, answer);
    return answer instanceof Leave ? { entry, leave: answer } : { entry, answer: copyOf(answer), steps };
  } catch (error) {
    scene.takeSteps();
    if (error instanceof CallerError) return { entry, error };
    throw error;
  }
}

/** The kept form of an answer that differs from the presumed one; undefined when the presumed one stands. */
function keptOf(verb: AnyVerb, answer: unknown): KeptAnswer | undefined {
  return verb.keep?.(answer) ?? (answer instanceof Problem ? keptRefusal(answer) : undefined);
}

/**
 * Writes the rows that MikroORM updates one by one, wallets among them, so that a batch that lost a race fails before
 * it has written anything that other transactions wait for; then new rows; then the changed rows of kinds with `write`,
 * in one statement for each kind.
 * @returns the rows that `write` changed, by kind
 */
async function write(em: EntityManager, scene: Scene): Promise<(readonly [Kind<never>, Changed<never>[]])[]> {
  const changes: (readonly [Kind<never>, Changed<never>[]])[] = [];
  await em.flush();
  for (const rows of scene.inserts()) await insertRows(em, rows);
  const written = new Set<unknown>();
  for (const kind of LOCK_ORDER) {
    if (!kind.write || written.has(kind.entity)) continue;
    written.add(kind.entity);
    const changed = scene.changed(kind);
    if (changed.length === 0) continue;
    await kind.write(em, changed);
    changes.push([kind, changed]);
  }
  return changes;
}

/** The part of what a command wants to lock that has one of the names. */
function only({ shared = [], exclusive = [], limits = [] }: Wanted, names: ReadonlySet<string>): Wanted {
  const isNamed = (name: string): boolean => names.has(name);
  return { shared: shared.filter(isNamed), exclusive: exclusive.filter(isNamed), limits: limits.filter(isNamed) };
}

function idsOf({ rows = [] }: Wanted, kind: Kind<never>): readonly string[] {
  return rows.flatMap(([wanted, ids]) => (wanted === kind ? ids : []));
}

/** Commands that wait for the same locked rows, with the ids of the rows and the names of the limits. */
interface Group {
  readonly names: ReadonlySet<string>;
  readonly open: readonly Open[];
}

/** Groups the commands that wait for the same locked rows; commands that wait for none are left out. */
function groupsOf(open: readonly Open[], locked: ReadonlyMap<Open, readonly string[]>): Group[] {
  const groups: Group[] = [];
  for (const one of open) {
    const names = locked.get(one) ?? [];
    if (names.length === 0) continue;
    const touched = groups.filter((group) => names.some((name) => group.names.has(name)));
    const merged = {
      names: new Set([...names, ...touched.flatMap((group) => [...group.names])]),
      open: [...touched.flatMap((group) => group.open), one],
    };
    for (const group of touched) groups.splice(groups.indexOf(group), 1);
    groups.push(merged);
  }
  return groups;
}

function namesOf(entries: readonly Entry[]): string[] {
  return entries.flatMap(({ contends }) => contends);
}

function lockMsOf(entries: readonly Entry[]): number {
  return Math.min(MAX_LOCK_MS, LOCK_MS * 2 ** Math.max(...entries.map(({ waits }) => waits)));
}

/** A shallow copy of an object as it is now: later commands change the entity. */
export function copyOf<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  return Object.assign(Object.create(Object.getPrototypeOf(value)), value);
}

function differs(before: object, after: object): boolean {
  const [was, is] = [before as Record<string, unknown>, after as Record<string, unknown>];
  for (const name in is) if (was[name] !== is[name]) return true;
  return false;
}
