import { Ctx, Directive, Query, Resolver } from 'type-graphql';
import type { Context } from '../api/context.ts';
import { Audit } from './audit.ts';
import { auditNow } from './audit-now.ts';

@Resolver(() => Audit)
export class AuditResolver {
  @Directive('@operator')
  @Query(() => Audit, {
    description: 'Counts everything again from the rows: nothing sold twice, no money made or lost',
  })
  audit(@Ctx() { platform }: Context): Promise<Audit> {
    return auditNow(platform);
  }
}
