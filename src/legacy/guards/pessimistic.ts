import { forkOf } from '../../platform/platform.ts';
import { transact } from '../../platform/transact.ts';
import type { Guard } from './guard.ts';

/** Whoever comes second waits at the row's lock, inside its transaction. */
export const pessimistic: Guard = (platform, _key, work) => transact(forkOf(platform), (em) => work(em, 'locked'));
