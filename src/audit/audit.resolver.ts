import { Ctx, Directive, Extensions, Query, Resolver } from 'type-graphql';
import { type Context, SLOW } from '../api/context.ts';
import { Audit } from './audit.ts';
import { auditNow } from './audit-now.ts';

@Resolver(() => Audit)
export class AuditResolver {
  @Extensions(SLOW)
  @Directive('@operator')
  @Query(() => Audit, {
    description: 'Counts everything again from the rows: nothing sold twice, no money made or lost',
  })
  audit(@Ctx() { platform }: Context): Promise<Audit> {
    return auditNow(platform);
  }
}
