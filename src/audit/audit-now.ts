import { CoalescedQuery } from '../platform/coalesced-query.ts';
import { type Platform, perProcess } from '../platform/platform.ts';
import { urlOf } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import type { Audit } from './audit.ts';
import { runChecks } from './run-checks.ts';

/** A little less than the request may take, so that no count outlives its request. */
const MAX_MS = 28 * SECOND;

/** One at a time in a process: requests that arrive while one is under way share the next. */
const queries = perProcess(() => new CoalescedQuery<Audit>());

/** Counts everything again, for a request. */
export function auditNow(platform: Platform): Promise<Audit> {
  return queries(platform).run('audit', () => runChecks(urlOf(platform.orm), MAX_MS));
}
