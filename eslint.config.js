// The lint rules: strict typed rules everywhere, and a console only in the command line.
import eslint from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const printRule = 'Print with printLines, printJson or warnLines of src/ground/print.ts.';
const loops = [
  'ForStatement',
  'ForOfStatement',
  'ForInStatement',
  'WhileStatement',
  'DoWhileStatement',
  'CallExpression[callee.property.name=/^(forEach|map|flatMap|filter|reduce|reduceRight)$/] > ArrowFunctionExpression',
].join(', ');

const restOnly = ":function:has(> RestElement.params) SpreadElement[argument.type='Identifier']";

/** Lists grow with what comes in: a call takes some 120,000 arguments, and a list that is copied for each member takes for ever. */
const longListRules = [
  {
    // Allowed: a list that is written out, the rest parameter of the function around it, and codes of errors.
    selector: `CallExpression[callee.name!='isBundleError'] > SpreadElement.arguments:not([argument.type='ArrayExpression']):not(${restOnly})`,
    message:
      'A list spread into arguments may be too long for a call: use appendAll or largestOf of src/ground/long-lists.ts, or a loop.',
  },
  {
    selector: "NewExpression > SpreadElement.arguments:not([argument.type='ArrayExpression'])",
    message: 'A list spread into arguments may be too long for a call: use a loop.',
  },
  {
    selector: "CallExpression[callee.property.name='apply']",
    message: 'A list handed to apply may be too long for a call.',
  },
  {
    selector: `:matches(${loops}) ArrayExpression > SpreadElement:has(CallExpression[callee.property.name='get'])`,
    message: 'A list in a map is copied for each member: collect with groupBy of src/ground/group-by.ts.',
  },
  {
    selector: `:matches(${loops}) CallExpression[callee.property.name='set'] ObjectExpression > Property > ArrayExpression > SpreadElement`,
    message: 'A list in a map is copied for each member: collect with groupBy of src/ground/group-by.ts.',
  },
  {
    selector: `:matches(${loops}) AssignmentExpression > ArrayExpression.right > SpreadElement`,
    message: 'A list is copied for each member: push to it.',
  },
  {
    selector: `:matches(${loops}) AssignmentExpression > CallExpression.right[callee.property.name='concat']`,
    message: 'A list is copied for each member: push to it, and join once.',
  },
  {
    selector:
      'CallExpression[callee.property.name=/^reduce(Right)?$/] > ArrowFunctionExpression > :matches(ArrayExpression, ObjectExpression).body > SpreadElement',
    message: 'A list is copied for each member: push to it.',
  },
];

/** With the named import esbuild keeps all of zod, 500 KB that every start would read. */
const zodRule = {
  selector: "ImportDeclaration[source.value='zod'] > ImportSpecifier[imported.name='z']",
  message: "Write import * as z from 'zod'.",
};

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
    // Names of images and files may hold what a terminal obeys: what people read goes through src/ground/print.ts, which shows it.
    files: ['src/**'],
    ignores: ['src/ground/print.ts'],
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
  { files: ['src/**'], rules: { 'no-restricted-syntax': ['error', ...longListRules, zodRule] } },
  { files: ['test/**', 'bench/**', 'fuzz/**'], rules: { 'no-console': 'off' } },
  {
    files: ['**/*.js', '**/*.cjs', '**/*.mjs'],
    languageOptions: {
      globals: { process: 'readonly', module: 'writable', console: 'readonly', Buffer: 'readonly' },
    },
  },
);
