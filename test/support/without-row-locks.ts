import { patchPg } from './patch-pg.ts';

/** Preload: seats are judged and held without their row locks, and a hold is taken over whoever has it. */
patchPg((text) =>
  text.replace(/for update( skip locked)?/g, '').replace('where hold.expires_at <= clock_timestamp()', ''),
);
