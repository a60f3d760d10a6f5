import type { Measure } from '../load/row.ts';
import { measureCharges } from './charges.ts';
import { measureEvents, measureShowLock } from './costs.ts';
import { measurePurchases } from './purchases.ts';
import { measureClaims, measureOrders } from './rushes.ts';

/** The rows of a purchase by name. */
export const PURCHASE_ROWS: Record<string, Measure> = {
  purchases: measurePurchases,
  charges: measureCharges,
  orders: measureOrders,
  claims: measureClaims,
  events: measureEvents,
  locks: measureShowLock,
};
