import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import ts from 'typescript-eslint';

export default ts.config(
  { ignores: ['**/dist/', '**/build/', '**/.svelte-kit/', '**/node_modules/'] },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { process: 'readonly', console: 'readonly' } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-undef': 'off', // TypeScript knows better.
      'no-control-regex': 'off', // Control characters are what several of our expressions are about.
    },
  },
  {
    files: ['schema/**/*.ts', 'proxy/**/*.ts', 'test/**/*.ts'],
    ignores: ['**/*.config.ts'],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: { '@typescript-eslint/no-floating-promises': 'error', '@typescript-eslint/no-misused-promises': 'error' },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser } },
    rules: {
      // The dashboard stands at the root of its server; most links only change the query.
      'svelte/no-navigation-without-resolve': 'off',
      // The formatter writes {' '} where a line break would eat a space.
      'svelte/no-useless-mustaches': 'off',
    },
  },
);
