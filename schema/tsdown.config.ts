import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: { store: 'src/store/main.ts' },
  format: 'esm',
  platform: 'node',
  target: 'node20',
  outDir: 'dist',
  fixedExtension: false,
  dts: false,
  sourcemap: true,
  // The engine is a native addon with a library of half a gigabyte beside it: it is found, never bundled.
  deps: { neverBundle: ['chdb'] },
});
