import { loadScript } from '../../src/platform/lua.ts';
import { patchRedis } from './patch-redis.ts';

/** Preload: no process reports to Redis which holders are present. */
const LINE = new URL('../../src/queue/line/line.ts', import.meta.url).href;
patchRedis([loadScript(LINE, 'note-seen')], async () => 0);
