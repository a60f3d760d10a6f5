import { Session } from './accounts/session.ts';
import { User } from './accounts/user.ts';
import { Alert, AlertChannel } from './alerts/alert.ts';
import { PendingCharge } from './charges/pending-charge.ts';
import { Concert } from './concerts/concert.ts';
import { Hold, Seat, Ticket } from './concerts/seat.ts';
import { Show } from './concerts/show.ts';
import { Coupon, IssuedCoupon } from './coupons/coupon.ts';
import { Webhook } from './events/webhook.ts';
import { OperatorLogEntry } from './operator-log/operator-log.ts';
import { Payment } from './payments/payment.ts';
import { Refund, RefundLine } from './payments/refund.ts';
import { QueueShuffle, QueueShufflePart } from './queue/draw/queue-shuffle.ts';
import { PriorityCode, Queue } from './queue/queue.ts';
import { Reservation } from './reservations/reservation.ts';
import { SalesExport } from './sales/sales-export.ts';
import { Order, OrderLine, SaleChange } from './shop/order.ts';
import { Product } from './shop/product.ts';
import { LedgerEntry, Wallet } from './wallet/wallet.ts';

/** Every class that MikroORM maps to a table. */
export const ENTITIES = [
  User,
  Session,
  Queue,
  PriorityCode,
  QueueShuffle,
  QueueShufflePart,
  Concert,
  Show,
  Seat,
  Hold,
  Ticket,
  Reservation,
  Wallet,
  LedgerEntry,
  PendingCharge,
  Payment,
  Refund,
  RefundLine,
  Product,
  Order,
  OrderLine,
  SaleChange,
  Coupon,
  IssuedCoupon,
  AlertChannel,
  Alert,
  Webhook,
  OperatorLogEntry,
  SalesExport,
];
