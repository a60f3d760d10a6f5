import { seek } from './patch-pg.ts';
import { patchRedis } from './patch-redis.ts';

/** Preload: every script of an opening is run twice, and none looks at how much of the order has been written. */
const note = seek('or written ~= before');

patchRedis(async (_name, run, text) => {
  const blind = text.replace(' or written ~= before', '');
  if (blind !== text) note();
  await run(blind);
  return run(blind);
});
