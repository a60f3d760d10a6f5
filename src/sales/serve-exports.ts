import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CallerError, ERRORS, type ErrorCode } from '../api/problems.ts';
import { isUnavailable } from '../platform/faults.ts';
import { REQUEST_ID } from '../platform/http.ts';
import { type Platform, perProcess } from '../platform/platform.ts';
import { urlOf } from '../platform/postgres.ts';
import { withConnectionOfItsOwn } from '../platform/postgres-alone.ts';
import { Stream } from '../platform/streams.ts';
import { MINUTE } from '../platform/units.ts';
import { EXPORT_PATH, readLink } from './export-link.ts';
import { salesAsCsv } from './sales-csv.ts';
import { useExport } from './use-export.ts';

/** Files that one process sends at once: each has a connection to PostgreSQL and a snapshot. */
const MAX_AT_ONCE = 2;

/** Milliseconds that sending a file may take, because PostgreSQL keeps for its snapshot what was changed since. */
const MAX_MS = 15 * MINUTE;

const sending = perProcess(() => ({ files: 0 }));

/**
 * Sends the sales of a link that `exportSales` made, as CSV. A link that was forged, altered, used or is over is refused
 * with 403 and logged. A reader that takes nothing for too long is cut off; a file that fails midway breaks off, so that
 * no part of it looks like the whole.
 */
export function serveExports(http: FastifyInstance, platform: Platform): void {
  http.route({
    method: 'GET',
    url: EXPORT_PATH,
    // It would use the link up.
    exposeHeadRoute: false,
    handler: (request, reply) => answer(platform, request, reply),
  });
}

async function answer(platform: Platform, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { id: requestId } = request;
  const refused = (why: string): FastifyReply => {
    platform.log.warn({ requestId, why }, 'the link to an export was refused');
    return refuse(reply, 403, 'FORBIDDEN');
  };
  const link = await readLink(platform, request.url);
  if (!link) return refused('forged');
  const files = sending(platform);
  if (files.files >= MAX_AT_ONCE) return refuse(reply.header('retry-after', 5), 503, 'SERVICE_UNAVAILABLE');
  files.files += 1;
  try {
    const caller = { platform, requestId, isOver: () => request.raw.destroyed };
    // The link is used up when there is a connection to send the file from, so that whoever hears 503 can ask again.
    await withConnectionOfItsOwn(urlOf(platform.orm), MAX_MS, async (client) => {
      const why = await useExport(caller, link.id);
      if (why) return refused(why);
      platform.log.info({ requestId, exportId: link.id }, 'an export begins');
      return send(platform, request, reply, salesAsCsv(client, link.filter, platform.config.TIME_ZONE));
    });
  } catch (error) {
    if (!reply.sent) {
      if (!isUnavailable(error) && !(error instanceof CallerError)) throw error;
      return refuse(reply.header('retry-after', 5), 503, 'SERVICE_UNAVAILABLE');
    }
    platform.log.warn({ requestId, error: String(error) }, 'an export broke off');
  } finally {
    files.files -= 1;
  }
  return reply;
}

/** @throws what ended the file before its end; then the connection is closed */
async function send(
  platform: Platform,
  request: FastifyRequest,
  reply: FastifyReply,
  pieces: AsyncGenerator<string>,
): Promise<void> {
  reply.hijack();
  const head = {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': 'attachment; filename="sales.csv"',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    [REQUEST_ID]: request.id,
  };
  await new Stream(reply.raw, platform.config.WS_MAX_BUFFERED_BYTES).run(head, breakingOff(reply, pieces));
}

/** The same pieces; a failure between them closes the connection, where `Stream` would end the answer as if it were whole. */
async function* breakingOff(reply: FastifyReply, pieces: AsyncGenerator<string>): AsyncGenerator<string> {
  try {
    yield* pieces;
  } catch (error) {
    reply.raw.destroy();
    throw error;
  }
}

function refuse(reply: FastifyReply, status: number, code: ErrorCode): FastifyReply {
  return reply.code(status).send({ errors: [{ message: ERRORS[code], extensions: { code } }] });
}
