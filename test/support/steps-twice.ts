import { OPENING, patchRedis } from './patch-redis.ts';

/** Preload: every script of an opening is run twice, as when a connection breaks before its answer; the second answers. */
patchRedis(OPENING, async (_script, run) => {
  await run();
  return run();
});
