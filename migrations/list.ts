import type { MigrationObject } from '@mikro-orm/core';
import { Accounts } from './0001-accounts.ts';
import { Queues } from './0002-queues.ts';
import { Concerts } from './0003-concerts.ts';
import { Reservations } from './0004-reservations.ts';
import { Money } from './0005-money.ts';
import { LanesAndDraws } from './0006-lanes-and-draws.ts';
import { Refunds } from './0007-refunds.ts';
import { Shop } from './0008-shop.ts';
import { Alerts } from './0009-alerts.ts';
import { SalesWithoutHotRows } from './0010-sales-without-hot-rows.ts';
import { VersionsOfTheirOwn } from './0011-versions-of-their-own.ts';
import { SeatsBySection } from './0012-seats-by-section.ts';
import { SalesReferToNoProduct } from './0013-sales-refer-to-no-product.ts';
import { Outbox } from './0014-outbox.ts';
import { BuiltInAlerts } from './0015-built-in-alerts.ts';
import { RefundsInPart } from './0016-refunds-in-part.ts';
import { WhatOperatorsFind } from './0017-what-operators-find.ts';
import { EndsOfReservations } from './0018-ends-of-reservations.ts';
import { OperatorLog } from './0019-operator-log.ts';
import { WhatOperatorsMend } from './0020-what-operators-mend.ts';
import { Limits } from './0024-limits.ts';

/** Every change of the database, in order; forward only. */
export const MIGRATIONS: MigrationObject[] = [
  { name: '0001-accounts', class: Accounts },
  { name: '0002-queues', class: Queues },
  { name: '0003-concerts', class: Concerts },
  { name: '0004-reservations', class: Reservations },
  { name: '0005-money', class: Money },
  { name: '0006-lanes-and-draws', class: LanesAndDraws },
  { name: '0007-refunds', class: Refunds },
  { name: '0008-shop', class: Shop },
  { name: '0009-alerts', class: Alerts },
  { name: '0010-sales-without-hot-rows', class: SalesWithoutHotRows },
  { name: '0011-versions-of-their-own', class: VersionsOfTheirOwn },
  { name: '0012-seats-by-section', class: SeatsBySection },
  { name: '0013-sales-refer-to-no-product', class: SalesReferToNoProduct },
  { name: '0014-outbox', class: Outbox },
  { name: '0015-built-in-alerts', class: BuiltInAlerts },
  { name: '0016-refunds-in-part', class: RefundsInPart },
  { name: '0017-what-operators-find', class: WhatOperatorsFind },
  { name: '0018-ends-of-reservations', class: EndsOfReservations },
  { name: '0019-operator-log', class: OperatorLog },
  { name: '0020-what-operators-mend', class: WhatOperatorsMend },
  { name: '0024-limits', class: Limits },
];
