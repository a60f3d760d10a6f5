import { type Connection, idKey, type PageArgs, pageOf, readNewestFirst } from '../api/connection.ts';
import type { Context } from '../api/context.ts';
import { Queue } from './queue.ts';

/** Reads a page of all queues, newest first. @throws CallerError BAD_USER_INPUT for a malformed page */
export async function readQueues({ em }: Context, args: PageArgs): Promise<Connection<Queue>> {
  return readNewestFirst(em, Queue, {}, pageOf('queue', args, idKey), 'id');
}
