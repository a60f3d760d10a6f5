import 'reflect-metadata';
import { printSchemaWithDirectives } from '@graphql-tools/utils';
import {
  type GraphQLSchema,
  type IntrospectionQuery,
  introspectionFromSchema,
  isAbstractType,
  lexicographicSortSchema,
} from 'graphql';
import { buildSchemaSync } from 'type-graphql';
import { AccountsResolver } from '../accounts/accounts.resolver.ts';
import { AccountInUse } from '../accounts/delete-my-account.ts';
import { UserResolver } from '../accounts/user.resolver.ts';
import { AlertsResolver } from '../alerts/alerts.resolver.ts';
import { AuditResolver } from '../audit/audit.resolver.ts';
import { ChargesResolver, PendingChargeResolver, WalletChargesResolver } from '../charges/charges.resolver.ts';
import { ConcertsResolver } from '../concerts/concerts.resolver.ts';
import { QueueBoardResolver } from '../concerts/queue-board.resolver.ts';
import { QUEUE_BOARD } from '../concerts/queue-board.ts';
import { SEAT_CHANGES } from '../concerts/seat-change.ts';
import { ShowResolver } from '../concerts/show.resolver.ts';
import { NoSeatAvailable, ShowBegun } from '../concerts/update-show.ts';
import { SeatsSold } from '../concerts/withdraw-concert.ts';
import { CouponAlreadyClaimed } from '../coupons/claim-coupon.ts';
import { CouponsResolver } from '../coupons/coupons.resolver.ts';
import { QuantityOnlyGrows } from '../coupons/update-coupon.ts';
import { EventsResolver } from '../events/events.resolver.ts';
import { SALES_EVENTS } from '../events/sales-event.ts';
import { SALES_EVENTS_TOPIC } from '../events/sales-events.ts';
import { OperatorLogResolver } from '../operator-log/operator-log.resolver.ts';
import { AlreadyPaid } from '../payments/payment.ts';
import { PaymentsResolver, RefundResolver, ShowRefundsResolver } from '../payments/payments.resolver.ts';
import { NotRefundable } from '../payments/refund.ts';
import { SHOW_REFUNDS } from '../payments/show-refunds.ts';
import { pubSubOf } from '../platform/topics.ts';
import { QueueResolver, QueueShuffleResolver } from '../queue/queue.resolver.ts';
import { QUEUE_STATS } from '../queue/queue-stats.ts';
import { NotMovable } from '../reservations/move-seats.ts';
import { SaleClosed, SeatsUnavailable } from '../reservations/reservation.ts';
import { ReservationsResolver } from '../reservations/reservations.resolver.ts';
import { SalesResolver } from '../sales/sales.resolver.ts';
import { SHOW_STATS } from '../sales/show-stats.ts';
import { BestSellersResolver } from '../shop/best-sellers.ts';
import { OrderLineResolver, OrdersResolver } from '../shop/orders.resolver.ts';
import { InsufficientStock } from '../shop/product.ts';
import { ProductsResolver } from '../shop/products.resolver.ts';
import { AlreadyCheckedIn } from '../tickets/check-in.ts';
import { TicketsResolver } from '../tickets/tickets.resolver.ts';
import { LedgerEntryResolver, WalletResolver } from '../wallet/wallet.resolver.ts';
import { InsufficientBalance } from '../wallet/wallet.ts';
import { DIRECTIVES, enforceAccess } from './access.ts';
import { CONVENTIONS, ROOTS } from './conventions.ts';
import { Refusal, Withdrawn } from './problems.ts';
import { SettingsResolver } from './settings.resolver.ts';

/** The schema that serves; every field checks access. */
export function makeSchema(): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: [
      SettingsResolver,
      AccountsResolver,
      UserResolver,
      QueueResolver,
      QueueShuffleResolver,
      ConcertsResolver,
      QueueBoardResolver,
      ShowResolver,
      ReservationsResolver,
      WalletResolver,
      LedgerEntryResolver,
      ChargesResolver,
      PendingChargeResolver,
      WalletChargesResolver,
      PaymentsResolver,
      RefundResolver,
      SalesResolver,
      ShowRefundsResolver,
      ProductsResolver,
      OrdersResolver,
      OrderLineResolver,
      BestSellersResolver,
      CouponsResolver,
      AlertsResolver,
      AuditResolver,
      EventsResolver,
      OperatorLogResolver,
      TicketsResolver,
    ],
    orphanedTypes: [
      AccountInUse,
      Refusal,
      Withdrawn,
      SeatsUnavailable,
      SaleClosed,
      InsufficientBalance,
      AlreadyPaid,
      NotRefundable,
      NotMovable,
      InsufficientStock,
      CouponAlreadyClaimed,
      AlreadyCheckedIn,
      QuantityOnlyGrows,
      ShowBegun,
      NoSeatAvailable,
      SeatsSold,
      ...SALES_EVENTS,
    ],
    directives: DIRECTIVES,
    pubSub: pubSubOf([SEAT_CHANGES, SHOW_REFUNDS, QUEUE_STATS, QUEUE_BOARD, SHOW_STATS, SALES_EVENTS_TOPIC]),
    validate: false,
    // Apollo checks the schema when it starts; once is enough.
    skipCheck: true,
  });
  return enforceAccess(describe(schema));
}

/** Adds the descriptions that no decorator takes: of the schema as a whole and of its root types. */
function describe(schema: GraphQLSchema): GraphQLSchema {
  for (const [name, description] of Object.entries(ROOTS)) Object.assign(schema.getType(name) ?? {}, { description });
  return Object.assign(schema, { description: CONVENTIONS });
}

/** The schema as text, for schema/schema.graphql: sorted, with its directives. */
export function printSdl(schema: GraphQLSchema): string {
  return `${printSchemaWithDirectives(lexicographicSortSchema(schema))}\n`;
}

/** The schema as it answers introspection, sorted, for tools that read no SDL; production answers no introspection. */
export function introspect(schema: GraphQLSchema): IntrospectionQuery {
  return introspectionFromSchema(lexicographicSortSchema(schema), {
    descriptions: true,
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    schemaDescription: true,
    inputValueDeprecation: true,
    oneOf: true,
  });
}

/** The types that each union and interface may be, in the form of `possibleTypes` of Apollo Client's cache. */
export function possibleTypes(schema: GraphQLSchema): Record<string, string[]> {
  const sorted = lexicographicSortSchema(schema);
  const abstract = Object.values(sorted.getTypeMap()).filter(isAbstractType);
  return Object.fromEntries(
    abstract.map((type) => [
      type.name,
      sorted
        .getPossibleTypes(type)
        .map(({ name }) => name)
        .sort(),
    ]),
  );
}
