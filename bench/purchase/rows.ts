import type { Measure } from '../load/row.ts';
import { measureCharges } from './charges.ts';
import { measurePurchases } from './purchases.ts';

/** The rows of a purchase by name. */
export const PURCHASE_ROWS: Record<string, Measure> = {
  purchases: measurePurchases,
  charges: measureCharges,
};
