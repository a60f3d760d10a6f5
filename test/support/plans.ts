import type pg from 'pg';
import { eventually } from './builders.ts';
import type { AppProcess } from './process.ts';

/** A statement as a process sent it. */
export interface Statement {
  readonly text: string;
  readonly values?: unknown[];
}

/** One step of a plan, as PostgreSQL tells it. */
export interface Plan {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Relation Name'?: string;
  readonly Plans?: Plan[];
}

/** The statement with `part` in it that a process with the preload tell-statements.ts sent last; waits for one. */
export async function sentBy({ messages }: AppProcess, part: string): Promise<Statement> {
  const find = (): Statement | undefined =>
    messages
      .filter(({ type }) => type === 'statement')
      .map(({ value }) => value as Statement)
      .findLast(({ text }) => text.includes(part));
  await eventually(async () => find() !== undefined);
  return find() as Statement;
}

/** Every step of the plan that PostgreSQL makes of a statement. */
export async function stepsOf(pool: pg.Pool, { text, values }: Statement): Promise<Plan[]> {
  const { rows } = await pool.query(`explain (format json) ${text}`, values);
  const flatten = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(flatten)];
  return flatten(rows[0]['QUERY PLAN'][0].Plan);
}
