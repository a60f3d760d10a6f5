import { patchPg } from './patch-pg.ts';

/** Preload: a priority code is read as if nobody had claimed it, so that everybody who presents it may. */
const FROM = 'from "priority_code" as';
const UNCLAIMED = `from (select hash, queue_id, priority, null::uuid as user_id, null::timestamptz as claimed_at
  from priority_code) as`;
patchPg((text) => {
  if (text.startsWith('select') && text.includes('"priority_code"') && !text.includes(FROM)) {
    throw new Error(`codes are not read as this expects: ${text}`);
  }
  return text.replace(FROM, UNCLAIMED);
});
