/** Chromium for the pages' tests, and what every page must hold. */
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { chromiumPath } from '../support/chromium.ts';

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: chromiumPath ?? '', args: ['--no-sandbox'] });

export const openContext = (browser: Browser, width: number): Promise<BrowserContext> =>
  browser.newContext({
    viewport: { width, height: width < 720 ? 844 : 900 },
    colorScheme: 'light',
    timezoneId: 'Europe/Lisbon',
  });

/** A page that collects what went wrong in it. Pages of one context share what the browser has loaded and compiled. */
export async function openPage(context: BrowserContext): Promise<{ page: Page; problems: string[] }> {
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      problems.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`threw: ${error.message}`));
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const host = new URL(request.url()).hostname;
    if (host !== '127.0.0.1' && host !== '' && !request.url().startsWith('data:'))
      problems.push(`asked ${request.url()}`);
  });
  return { page, problems };
}

export const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
