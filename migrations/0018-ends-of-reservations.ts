import { Migration } from '@mikro-orm/migrations';

/** When a reservation got the status that ended its hold. Nothing looks rows up by it, so that it has no index. */
export class EndsOfReservations extends Migration {
  override up(): void {
    this.addSql(`alter table reservation add column ended_at timestamptz`);
    this.addSql(`comment on column reservation.ended_at is 'when it was CONFIRMED, RELEASED or CANCELLED last; null while HELD, and for
      rows that ended before this was kept. A lapsed hold ended at expires_at'`);
  }
}
