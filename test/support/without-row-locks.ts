import { replaceSql } from './patch-pg.ts';

/** Preload: seats are judged and held without their row locks, and a hold is taken over whoever has it. */
replaceSql([/for update( skip locked)?/g, '']);
replaceSql(['where hold.expires_at <= clock_timestamp()', '']);
