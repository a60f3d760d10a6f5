import { CoalescedQuery } from '../platform/coalesced-query.ts';
import { type Platform, perProcess } from '../platform/platform.ts';
import { urlOf } from '../platform/postgres.ts';
import { SECOND } from '../platform/units.ts';
import type { Audit } from './audit.ts';
import { runChecks } from './run-checks.ts';

/** Milliseconds that an audit may take: a little less than its request may, so that no audit outlives its request. */
const MAX_MS = 28 * SECOND;

/** Runs one audit at a time in a process: requests that arrive while one is under way share the next. */
const queries = perProcess(() => new CoalescedQuery<Audit>());

/** Runs the audit for a request. @throws Error, a SERVICE_UNAVAILABLE, when it takes longer than 28 s */
export function auditNow(platform: Platform): Promise<Audit> {
  return queries(platform).run('audit', () => runChecks(urlOf(platform.orm), MAX_MS));
}
