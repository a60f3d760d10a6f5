import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import axe, { type AxeResults } from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import type { World } from './world.ts';

/** Where Chromium is; undefined where it is not installed. */
export const CHROMIUM = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'chromium'))
  .find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** Builds the pages that the processes of the tests serve. Before a World is opened, since a process reads them once. */
export function buildPages(): void {
  execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: ['ignore', 'ignore', 'inherit'] });
}

export const PHONE_KOREAN: BrowserContextOptions = {
  viewport: { width: 360, height: 780 },
  locale: 'ko-KR',
  colorScheme: 'light',
  hasTouch: true,
};
export const DESKTOP_ENGLISH: BrowserContextOptions = {
  viewport: { width: 1280, height: 860 },
  locale: 'en-US',
  colorScheme: 'dark',
};

/** People with a browser each, and what went wrong in any of them. */
export class Visitors {
  readonly #browser: Browser;
  readonly #world: World;
  /** Errors that no page caught, and what the policy of the pages has refused. */
  readonly faults: string[] = [];

  private constructor(browser: Browser, world: World) {
    this.#browser = browser;
    this.#world = world;
  }

  static async open(world: World): Promise<Visitors> {
    const browser = await chromium.launch({ executablePath: CHROMIUM as string, args: ['--no-sandbox'] });
    return new Visitors(browser, world);
  }

  /** Somebody who opens a page; in a context of its own, so that no two share storage or cookies. */
  async visit(
    path: string,
    options: BrowserContextOptions = DESKTOP_ENGLISH,
    origin = new URL(this.#world.urls[0] as string).origin,
  ): Promise<Page> {
    const context = await this.#browser.newContext({ baseURL: origin, reducedMotion: 'reduce', ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    page.on('pageerror', (error) => this.faults.push(`${page.url()}: ${error.stack ?? error.message}`));
    page.on('console', (message) => {
      if (/Content.Security.Policy/i.test(message.text())) this.faults.push(`${page.url()}: ${message.text()}`);
    });
    await page.goto(path);
    return page;
  }

  /** The same, with an account that was just made on the page. */
  async signUp(name: string, path: string, options?: BrowserContextOptions, origin?: string): Promise<Page> {
    const page = await this.visit(`/sign-in?new&next=${encodeURIComponent(path)}`, options, origin);
    await page.locator('input[name=name]').fill(name);
    await page.locator('input[name=password]').fill('a long password');
    await page.locator('button[type=submit]').click();
    await page.waitForURL((url) => url.pathname === path);
    return page;
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}

/** What axe finds wrong with a page that is serious or worse, each with where, and whether the page is wider than the window. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  // By the debugger: the policy of the pages allows no script but theirs.
  await page.evaluate(axe.source);
  const found = await page.evaluate<AxeResults>("axe.run(document, { resultTypes: ['violations'] })");
  const tooWide = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
  const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  return [
    ...(tooWide > 0 ? [`the page is ${tooWide} pixels wider than the window`] : []),
    ...serious.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')} ${failureSummary}`),
    ),
  ];
}
