import { Field, InputType } from 'type-graphql';
import { type Context, callerOf } from '../api/context.ts';
import { run, type Verb } from '../commands/runner.ts';
import { linkTo } from './export-link.ts';
import { ExportLink, SalesExport } from './sales-export.ts';
import { type CheckedFilter, checkFilter, SalesFilter } from './sales-filter.ts';

@InputType({ description: 'Which sales to export' })
export class ExportSalesInput {
  @Field(() => SalesFilter, { nullable: true, description: 'Left out: all' })
  filter?: SalesFilter | null;
}

const EXPORT: Verb<{ readonly userId: string; readonly filter: CheckedFilter }, SalesExport> = {
  name: 'exportSales',
  contends: () => [],
  locks: () => ({}),
  decide({ asked: { userId, filter } }, scene) {
    const asked = SalesExport.ask(userId, filter, scene.now);
    scene.insert(asked);
    return asked;
  },
};

/**
 * Makes a link from which the sales that a filter selects can be fetched as CSV, once and within a minute, by whoever has
 * it. The rows are those of the moment at which it is used.
 * @throws CallerError BAD_USER_INPUT for a malformed filter
 */
export async function exportSales(context: Context, input: ExportSalesInput): Promise<ExportLink> {
  const filter = checkFilter('input.filter', input.filter);
  const asked = await run(context, EXPORT, { userId: callerOf(context).id, filter });
  const url = await linkTo(context.platform, asked);
  return Object.assign(new ExportLink(), { url, expiresAt: asked.expiresAt });
}
