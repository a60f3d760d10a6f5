import { BigIntType, type OptionalProps } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** What was sold, or taken back, of a product on a day: a row of `sale_change`, added to `sale` by the job that folds sales. */
@Entity({ tableName: 'sale_change' })
export class SaleChange {
  declare [OptionalProps]?: 'id';

  @PrimaryKey({ type: new BigIntType('number'), autoincrement: true })
  id!: number;

  /** YYYY-MM-DD in TIME_ZONE. */
  @Property({ type: 'date' })
  day!: string;

  @Property({ type: 'uuid' })
  productId!: string;

  @Property({ type: new BigIntType('number') })
  quantity!: number;

  @Property({ type: new BigIntType('number') })
  revenue!: number;
}
