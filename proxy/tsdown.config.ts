import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: { main: 'src/main.ts', recorder: 'src/record/worker.ts', cli: 'src/cli/main.ts' },
  format: 'esm',
  platform: 'node',
  target: 'node20',
  outDir: 'dist',
  fixedExtension: false,
  dts: false,
  sourcemap: true,
  // Our own packages are TypeScript sources: they are bundled; everything from npm stays outside.
  deps: { alwaysBundle: [/^@weir\//], neverBundle: ['@clickhouse/client', 'zod'] },
});
