import cors from '@fastify/cors';
import { type FastifyError, type FastifyInstance, fastify } from 'fastify';
import type { Config } from '../config.ts';
import { isAllowedOrigin } from './origins.ts';

/** Largest body of a request, in bytes. */
const MAX_BODY_BYTES = 512 * 1024;

/** The HTTP server, without routes but the health of the process. @param isReady throws while something is away */
export async function openHttp(config: Config, isReady: () => Promise<void>): Promise<FastifyInstance> {
  const http = fastify({
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: true,
    requestTimeout: 30_000,
    routerOptions: { ignoreTrailingSlash: true },
  });
  await http.register(cors, {
    origin: (origin, decide) => decide(null, origin === undefined || isAllowedOrigin(config, origin)),
    allowedHeaders: [
      'content-type',
      'authorization',
      'x-queue-token',
      'apollo-require-preflight',
      'x-apollo-operation-name',
    ],
    maxAge: 600,
  });
  http.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) throw error;
    const code = 'BAD_REQUEST';
    return reply.code(status).send({ errors: [{ message: error.message, extensions: { code } }] });
  });
  http.get('/health/live', async () => ({ status: 'alive' }));
  http.get('/health/ready', async (_request, reply) => {
    try {
      await isReady();
      return { status: 'ready' };
    } catch {
      return reply.code(503).send({ status: 'not ready' });
    }
  });
  return http;
}
