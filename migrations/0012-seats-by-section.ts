import { Migration } from '@mikro-orm/migrations';

/** The seats of a section are found without reading the whole show. */
export class SeatsBySection extends Migration {
  override up(): void {
    this.addSql(`create index seat_section on seat (show_id, section, number)`);
  }
}
