import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Notes } from './operation-log.ts';
import { type Named, namedBy } from './persisted.ts';

/** What a request asks for, as far as it has the form of one. */
export interface Asked {
  /** Undefined where no document is named. */
  readonly named: Named | undefined;
  readonly operationName?: unknown;
  readonly variables?: unknown;
  readonly extensions?: unknown;
}

/** A request that was taken up. */
export interface Taken {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly asked: Asked;
  readonly notes: Notes;
}

/** Reads the body of a POST, or the search of a GET or HEAD in the way in which Apollo reads it. */
export function readAsked({ method, url, body }: FastifyRequest): Asked {
  const given = method === 'POST' ? body : searchOf(url);
  if (!isRecord(given)) return { named: undefined };
  const { query, operationName, variables, extensions } = given;
  const named = isAbsentOr(isString, query) ? namedBy(query, extensions) : undefined;
  return { named, operationName, variables, extensions };
}

function searchOf(url: string): Record<string, unknown> {
  const { searchParams } = new URL(url, 'http://localhost');
  const one = (name: string): string | string[] | undefined => {
    const values = searchParams.getAll(name);
    return values.length > 1 ? values : values[0];
  };
  return {
    query: one('query'),
    operationName: one('operationName'),
    variables: objectIn(one('variables')),
    extensions: objectIn(one('extensions')),
  };
}

/** The object that a text of JSON is; another text stays as it is, for Apollo to refuse. */
function objectIn(given: string | string[] | undefined): unknown {
  if (typeof given !== 'string') return given;
  try {
    const value: unknown = JSON.parse(given);
    return isRecord(value) ? value : given;
  } catch {
    return given;
  }
}

export function isAbsentOr<T>(is: (given: unknown) => given is T, given: unknown): given is T | null | undefined {
  return given === undefined || given === null || is(given);
}

export function isRecord(given: unknown): given is Record<string, unknown> {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}

export function isString(given: unknown): given is string {
  return typeof given === 'string';
}
