import { Migration } from '@mikro-orm/migrations';

/** An operator may show anybody how a queue moves. */
export class Boards extends Migration {
  override up(): void {
    this.addSql(`alter table queue add column board boolean not null default false`);
    this.addSql(`comment on column queue.board is 'Whether anybody may see queueBoard'`);
    // A board counts the seats of the shows behind its queue.
    this.addSql(`create index concert_behind_queue on concert (queue_id) where queue_id is not null`);
  }
}
