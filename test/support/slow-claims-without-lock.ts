/** Preload: as slow-claims, and alerts are claimed without their row locks. */
import './slow-claims.ts';
import { patchPg } from './patch-pg.ts';

patchPg((text) => (text.includes('from alert') ? text.replace('for update skip locked', '') : text));
