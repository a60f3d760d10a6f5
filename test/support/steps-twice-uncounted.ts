import { patchRedis } from './patch-redis.ts';

/** Preload: every script of an opening is run twice, and none looks at how much of the order has been written. */
patchRedis(async (_name, run, text) => {
  const blind = text.replace(' or written ~= before', '');
  await run(blind);
  return run(blind);
});
