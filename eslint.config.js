// The lint rules: strict typed rules everywhere, and a console only in the command line.
import eslint from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const printRule = 'Print with printLines, printJson or warnLines of src/print.ts.';

export default defineConfig(
  globalIgnores(['dist/', 'build/', 'node_modules/']),
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      'no-console': 'error',
    },
  },
  {
    // Names of images and files may hold what a terminal obeys: what people read goes through src/print.ts, which shows it.
    files: ['src/**'],
    ignores: ['src/print.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        ...[
          ['process', 'stdout'],
          ['process', 'stderr'],
          ['standardOutput', 'write'],
          ['standardError', 'write'],
        ].map(([object, property]) => ({ object, property, message: printRule })),
      ],
      'no-restricted-imports': [
        'error',
        ...['process', 'node:process'].map((name) => ({
          name,
          importNames: ['default', 'stdout', 'stderr'],
          message: printRule,
        })),
      ],
    },
  },
  { files: ['test/**', 'bench/**'], rules: { 'no-console': 'off' } },
  {
    files: ['**/*.js', '**/*.cjs', '**/*.mjs'],
    languageOptions: {
      globals: { process: 'readonly', module: 'writable', console: 'readonly', Buffer: 'readonly' },
    },
  },
);
