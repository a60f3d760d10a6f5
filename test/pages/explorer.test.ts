import { getOperationAST, Kind, parse, type SelectionNode } from 'graphql';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readyTabs } from '../../web/explorer/ready-tabs.ts';
import { buildPages, CHROMIUM, DESKTOP_ENGLISH, Visitors } from '../support/browser.ts';
import { eventually, makeQueue, makeShow } from '../support/builders.ts';
import type { Data } from '../support/client.ts';
import { World } from '../support/world.ts';

/** The texts of the editors are those of their models. */
const textOf = (page: Page, editor: string): Promise<string> =>
  page.evaluate(`__MONACO.editor.getModels().find(({ uri }) => uri.path.includes('${editor}'))?.getValue() ?? ''`);
const setText = (page: Page, editor: string, text: string): Promise<void> =>
  page.evaluate(
    `__MONACO.editor.getModels().find(({ uri }) => uri.path.includes('${editor}')).setValue(${JSON.stringify(text)})`,
  );

/** What the last operation was answered; undefined while nothing has come. */
async function answerOf(page: Page): Promise<Data> {
  const text = await textOf(page, 'response');
  return text === '' ? undefined : JSON.parse(text);
}

const run = (page: Page): Promise<void> => page.keyboard.press('Control+Enter');

describe.skipIf(!CHROMIUM)('the explorer', () => {
  let world: World;
  let visitors: Visitors;
  beforeAll(async () => {
    buildPages();
    world = await World.open({ processes: 1 });
    const operator = await world.operator();
    await makeShow(operator, {}, await makeQueue(operator, { capacity: 5, board: true }));
    visitors = await Visitors.open(world);
  });
  afterAll(async () => {
    await visitors?.close();
    await world?.close();
  });

  /** Somebody at a tab, with the cursor at its top, once the schema has been read. */
  async function openTab(title: string): Promise<Page> {
    const page = await visitors.visit('/graphql', { ...DESKTOP_ENGLISH, viewport: { width: 1_400, height: 900 } });
    await page.locator('.graphiql-query-editor .view-line').first().waitFor();
    await page.locator('.graphiql-tab-button', { hasText: title }).click();
    await eventually(async () => (await textOf(page, 'operation')).startsWith(`# ${title}\n`));
    await page.locator('.graphiql-query-editor .view-line').first().click();
    return page;
  }

  it.each([
    ['Buy a ticket', {}],
    ['Watch a queue', {}],
    ['Run a sale', { password: 'operator-password' }],
  ])('the tab %s runs from top to bottom, by one key, to a bought ticket', async (title, given) => {
    const page = await openTab(title);
    const prepared = JSON.parse(await textOf(page, 'variables'));
    await setText(page, 'variables', JSON.stringify({ ...prepared, ...given }));
    const document = parse(readyTabs().find(({ query }) => query.startsWith(`# ${title}\n`))?.query ?? '');
    const soldBefore = await sold();
    for (const definition of document.definitions) {
      if (definition.kind !== Kind.OPERATION_DEFINITION) throw new Error('the tab has more than operations');
      const operation = getOperationAST(document, definition.name?.value);
      const field = keyOf(operation?.selectionSet.selections[0]);
      await run(page);
      await eventually(async () => {
        const answer = await answerOf(page);
        expect(answer?.errors).toBeUndefined();
        expect(answer?.data?.[field]?.code).toBeUndefined();
        const { status } = answer?.data?.[field] ?? {};
        return answer?.data?.[field] !== undefined && (field !== 'queuePosition' || status === 'ACTIVE');
      });
      if (operation?.operation === 'subscription') {
        await run(page);
        await page.getByRole('button', { name: /^Execute/ }).waitFor();
      }
    }
    expect(await sold()).toBe(soldBefore + 1);
    expect(visitors.faults).toEqual([]);
    await page.context().close();
  });

  async function sold(): Promise<number> {
    return (await world.pool.query('select count(*)::int as n from ticket')).rows[0].n;
  }

  const keyOf = (node: SelectionNode | undefined): string =>
    node?.kind === Kind.FIELD ? (node.alias ?? node.name).value : '';

  it('keeps tabs, variables and tokens when it is loaded anew, and forgets them when asked to', async () => {
    const page = await openTab('Buy a ticket');
    await run(page);
    await eventually(async () => (await textOf(page, 'headers')).includes('Bearer '));
    const kept = await textOf(page, 'variables');
    // It is stored half a second later.
    await eventually(async () => page.evaluate(`sessionStorage.getItem('graphiql:tabState').includes('Bearer ')`));
    await page.reload();
    await page.locator('.graphiql-query-editor .view-line').first().waitFor();
    expect(await page.locator('.graphiql-tab-button').count()).toBe(3);
    await eventually(async () => (await textOf(page, 'variables')) === kept);
    expect(await textOf(page, 'headers')).toContain('Bearer ');
    await page.getByRole('button', { name: 'Begin anew' }).click();
    await eventually(async () => (await textOf(page, 'variables').catch(() => '')).includes('guest-'));
    expect(await textOf(page, 'variables')).not.toBe(kept);
    expect(await textOf(page, 'headers')).toBe('');
    await page.context().close();
  });

  it('shows the docs of the schema, and what is wrong with an operation', async () => {
    const page = await openTab('Buy a ticket');
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    await page.getByText('the open back end for an on-sale').first().waitFor();
    await page.getByRole('link', { name: 'Mutation', exact: true }).click();
    await page.getByRole('link', { name: 'reserveBest', exact: true }).click();
    await page.getByText('ReserveBestInput').first().waitFor();
    await setText(page, 'operation', '{ settings { curency } }');
    await page.locator('.squiggly-error').first().waitFor();
    expect(visitors.faults).toEqual([]);
    await page.context().close();
  });
});
