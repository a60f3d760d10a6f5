import { parseId } from '../platform/ids.ts';
import { badInput } from './problems.ts';

/**
 * Checks an id. @returns the id in its canonical spelling
 * @param argument its path, as for `badInput`
 * @throws CallerError BAD_USER_INPUT for text that cannot be an id
 */
export function idOf(argument: string, text: string): string {
  const id = parseId(text);
  if (!id) throw badInput(argument, 'is not an id');
  return id;
}

/**
 * Checks text, so that it can be stored and read back unchanged. @returns `text`
 * @throws CallerError BAD_USER_INPUT for a length outside the bounds (in characters), NUL, and broken Unicode
 */
export function textOf(argument: string, text: string, min: number, max: number): string {
  const { length } = text.length > 4 * max ? text : [...text];
  if (length < min || length > max) throw badInput(argument, `must have ${min} to ${max} characters`);
  if (text.includes('\0') || !text.isWellFormed()) throw badInput(argument, 'has characters that cannot be stored');
  return text;
}

/** @returns `value`. @throws CallerError BAD_USER_INPUT unless it lies within the bounds, both included */
export function within(argument: string, value: number, min: number, max: number): number {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw badInput(argument, `must be a whole number from ${min} to ${max}`);
  }
  return value;
}

const KEY =
  'Names the attempt: 1 .. 128 printable characters, made by the client before it sends. Sent again with the same input, nothing happens twice and the answer is the same, refusals too; with other input it is `IDEMPOTENCY_CONFLICT`. Kept';

/** The description of an idempotency key of a mutation that moves money. */
export const KEY_KEPT_FOR_GOOD = `${KEY} for good`;

/** The description of any other idempotency key. */
export const KEY_KEPT_FOR_A_DAY = `${KEY} for 24 hours`;

/** @returns the key, which is `input.idempotencyKey`. @throws CallerError BAD_USER_INPUT unless it has 1 to 128 printable characters */
export function idempotencyKeyOf(key: string): string {
  textOf('input.idempotencyKey', key, 1, 128);
  if (/\p{Cc}|\p{Cs}|\p{Zl}|\p{Zp}/u.test(key)) {
    throw badInput('input.idempotencyKey', 'must have printable characters only');
  }
  return key;
}

/** The fields of an input of which those that are left out stay unchanged. */
export type Given<Input> = { readonly [Name in keyof Input]?: NonNullable<Input[Name]> };

/**
 * @returns the fields of an input that are not left out
 * @param clearable the fields that null empties; in the result they are null then
 * @throws CallerError BAD_USER_INPUT for null in any other field
 */
export function givenOf<Input extends object>(input: Input, ...clearable: (keyof Input)[]): Given<Input> {
  const given = Object.entries(input).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    if (value === null && !clearable.includes(name as keyof Input)) throw badInput(`input.${name}`, 'must not be null');
  }
  return Object.fromEntries(given) as Given<Input>;
}
