import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    globalSetup: './support/global-setup.ts',
    testTimeout: 180_000,
    hookTimeout: 240_000,
    // Files start stores, proxies and browsers of their own: two at a time on two cores.
    maxWorkers: 2,
    pool: 'forks',
    retry: 0,
  },
});
