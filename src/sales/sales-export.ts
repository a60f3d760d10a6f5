import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ObjectType } from 'type-graphql';
import { DateTime } from '../api/scalars.ts';
import { newId } from '../platform/ids.ts';
import { MINUTE } from '../platform/units.ts';
import type { CheckedFilter } from './sales-filter.ts';

/** How long the link of an export can be used, in milliseconds. */
const LIFETIME_MS = MINUTE;

/** A row of `sales_export`: sales that an operator asked for as a file, and whether the file was fetched. */
@Entity({ tableName: 'sales_export' })
export class SalesExport {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  /** The operator who asked for it. */
  @Property({ type: 'uuid' })
  userId!: string;

  @Property({ type: 'json', columnType: 'jsonb' })
  filter!: CheckedFilter;

  @Property({ type: 'datetime', columnType: 'timestamptz' })
  createdAt!: Date;

  @Property({ type: 'datetime', columnType: 'timestamptz' })
  expiresAt!: Date;

  @Property({ type: 'datetime', columnType: 'timestamptz', nullable: true })
  usedAt!: Date | null;

  /** A new export, whose link can be used from the instant `now` on, for a minute. The caller inserts it. */
  static ask(userId: string, filter: CheckedFilter, now: Date): SalesExport {
    const expiresAt = new Date(now.getTime() + LIFETIME_MS);
    return Object.assign(new SalesExport(), { id: newId(), userId, filter, createdAt: now, expiresAt, usedAt: null });
  }

  /** Uses the link up. @returns why it cannot be used; undefined when it can, which it then cannot again */
  use(now: Date): 'expired' | 'replayed' | undefined {
    if (this.expiresAt <= now) return 'expired';
    if (this.usedAt !== null) return 'replayed';
    this.usedAt = now;
    return undefined;
  }
}

@ObjectType({ description: 'Where a file is fetched, once, without signing in' })
export class ExportLink {
  @Field(() => String, {
    description: 'Path and query of the file on this server. Whoever has it can fetch the file',
  })
  url!: string;

  @Field(() => DateTime, { description: 'Until when it can be fetched: a minute after it was made' })
  expiresAt!: Date;
}
