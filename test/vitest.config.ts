import { configDefaults, defineConfig } from 'vitest/config';
import { chromiumPath, whyNoBrowser } from './support/chromium.ts';

const inBrowser = ['pages', 'empty', 'sign-in-page', 'keys', 'keys-pages', 'routes', 'attempts'].map(
  (name) => `dashboard/${name}.test.ts`,
);
if (chromiumPath === undefined) console.log(`SKIPPED ${inBrowser.join(', ')}: ${whyNoBrowser}.`);

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(chromiumPath === undefined ? inBrowser : [])],
    globalSetup: './support/global-setup.ts',
    testTimeout: 180_000,
    hookTimeout: 240_000,
    // Files start stores, proxies and browsers of their own: two at a time on two cores.
    maxWorkers: 2,
    pool: 'forks',
    retry: 0,
  },
});
