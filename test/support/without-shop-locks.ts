import { patchPg } from './patch-pg.ts';

/** Preload: products, orders and coupons in somebody's hands are judged without their row locks. */
patchPg((text) => text.replace('for no key update', ''));
