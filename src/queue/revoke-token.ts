import type { Context } from '../api/context.ts';
import { idOf } from '../api/input.ts';
import { type CallerError, notFound } from '../api/problems.ts';
import { run, type Verb } from '../commands/runner.ts';
import { loadScript, runScript } from '../platform/lua.ts';
import type { Platform } from '../platform/platform.ts';
import { releaseHoldsOfToken } from '../reservations/release-reservation.ts';
import { queueKey } from './line/line.ts';
import { hashOf, type QueueToken, type QueueTokenStatus, type RawView, readView } from './queue-token.ts';
import { readLiveToken } from './read-live-tokens.ts';

const REVOKE = loadScript(import.meta.url, 'line/revoke');

interface Revoke {
  readonly queueId: string;
  readonly userId: string;
}

/**
 * A command that changes no row, so that a revoke is in the operators' log before Redis is changed: after a crash between
 * the two the log has a row of a place that did not end, and never misses one that did.
 */
const REVOKE_TOKEN: Verb<Revoke, QueueToken | undefined, QueueTokenStatus> = {
  name: 'revokeToken',
  contends: ({ queueId, userId }) => [`place:${queueId}:${userId}`],

  async prepare(platform, asked) {
    const found = await Promise.all(
      asked.map(({ queueId, userId }) => readLiveToken({ platform, caller: null }, queueId, userId)),
    );
    return found.map((token) => (token ? { known: token.status } : { error: noPlace() }));
  },

  locks: () => ({}),

  decide({ asked, known: status }, scene) {
    const place = { type: 'QueueToken', ...asked };
    scene.note({
      subjectIds: [asked.queueId, asked.userId],
      before: [{ ...place, status }],
      after: [{ ...place, status: 'EXPIRED', endReason: 'REVOKED' }],
    });
    scene.after(() => revoke(scene.platform, asked));
    return undefined;
  },
};

/**
 * Ends a user's live token as EXPIRED (REVOKED) and releases the seats held under it. The user may enter again.
 * @returns the token
 * @throws CallerError NOT_FOUND when the user has no live token in that queue; BAD_USER_INPUT for text that is no id
 */
export async function revokeToken(context: Context, queueId: string, userId: string): Promise<QueueToken> {
  const asked = { queueId: idOf('queueId', queueId), userId: idOf('userId', userId) };
  const token = (await run(context, REVOKE_TOKEN, asked)) as QueueToken;
  await releaseHoldsOfToken(context.platform, hashOf(token.value));
  return token;
}

async function revoke(platform: Platform, { queueId, userId }: Revoke): Promise<QueueToken> {
  const raw = await runScript<RawView | null>(platform.redis, REVOKE, queueKey(queueId), [userId]);
  if (!raw) throw noPlace();
  return readView(platform, queueId, raw).token;
}

function noPlace(): CallerError {
  return notFound('live place of that user');
}
