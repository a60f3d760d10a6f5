import { type Connection, idKey, pageOf, toConnection } from '../api/connection.ts';
import type { Context } from '../api/context.ts';
import { Queue } from './queue.ts';

const NAME = 'queue';

/** Reads a page of all queues, newest first. @throws CallerError BAD_USER_INPUT for a malformed page */
export async function readQueues(
  { em }: Context,
  first: number,
  after: string | undefined,
): Promise<Connection<Queue>> {
  const page = pageOf(NAME, first, after, idKey);
  const where = page.after ? { id: { $lt: page.after } } : {};
  const rows = await em.find(Queue, where, { orderBy: { id: 'desc' }, limit: first + 1 });
  return toConnection(NAME, rows, first, ({ id }) => id);
}
