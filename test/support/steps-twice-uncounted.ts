import { seek } from './patch-pg.ts';
import { OPENING, patchRedis } from './patch-redis.ts';

/** What makes write-drawn.lua safe to run twice. */
const CHECK = ' or written ~= before';
const note = seek(CHECK);

/** Preload: every script of an opening is run twice, and none looks at how much of the order has been written. */
patchRedis(OPENING, async ({ text }, run) => {
  const unchecked = text.replace(CHECK, '');
  if (unchecked !== text) note();
  await run(unchecked);
  return run(unchecked);
});
