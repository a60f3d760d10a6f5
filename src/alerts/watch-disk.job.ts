import { statfs } from 'node:fs/promises';
import type { Job } from '../platform/jobs.ts';
import { MINUTE } from '../platform/units.ts';
import { raiseAlert } from './raise-alert.ts';

/** Raises an alert while less than DISK_FREE_PERCENT of the disk under the embedded servers is free. */
export const watchDisk: Job = {
  name: 'watch-disk',
  everyMs: MINUTE,
  async run(platform) {
    const { DATABASE_URL, REDIS_URL, DATA_DIR, DISK_FREE_PERCENT } = platform.config;
    if (DATABASE_URL && REDIS_URL) return;
    const { bavail, blocks } = await statfs(DATA_DIR);
    const percent = (100 * bavail) / blocks;
    if (percent >= DISK_FREE_PERCENT) return;
    const text = `The disk of the embedded servers is nearly full: ${percent.toFixed(1)} % of it is free.`;
    raiseAlert(platform, 'DISK_NEARLY_FULL', text);
  },
};
