/** What the rules for src in eslint.config.js refuse: a list that grows by copies, a call whose arguments are a long list, all of zod. */
import { Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { expect, it } from 'vitest';
import config from '../../eslint.config.js';

/** The rule of src, by itself: without the types that the others need. */
const rule = config.map(({ rules }) => rules?.['no-restricted-syntax']).find((one) => one !== undefined);
if (rule === undefined) throw new Error('There is no such rule');

function isRefused(code: string): boolean {
  const messages = new Linter().verify(
    code,
    [
      {
        files: ['**/*.ts'],
        languageOptions: { parser: tseslint.parser },
        rules: { 'no-restricted-syntax': rule },
      },
    ],
    'a.ts',
  );
  if (messages.some(({ fatal }) => fatal === true)) throw new Error(JSON.stringify(messages));
  return messages.length > 0;
}

it.each([
  'found.push(...page)',
  'found.push(1, ...(await read()))',
  'list.unshift(...path.split("/"))',
  'const most = Math.max(...sizes)',
  'const least = Math.min(0, ...sizes.map((size) => size))',
  'String.fromCharCode(...bytes)',
  'call(a, ...rows)',
  'list.push(...map.values())',
  'new Set(...lists)',
  'call.apply(undefined, many)',
  'for (const x of all) map.set(x.key, [...(map.get(x.key) ?? []), x])',
  'for (const x of all) { const l = [...(map.get(x)?.tags ?? []), ...x.tags]; map.set(x, l); }',
  'all.forEach((x) => { map.set(x.k, { ...y, list: [...old.list, x] }); })',
  'for (let i = 0; i < 9; i += 1) list = [...list, i]',
  'while (next()) list = list.concat(one)',
  'all.reduce((list, x) => [...list, x], [])',
  'all.reduce((o, x) => ({ ...o, [x]: 1 }), {})',
  'function f(...args: string[]) { return g(...args.map(String)); }',
  "import { z } from 'zod'",
])('refuses %s', (code) => {
  expect(isRefused(code)).toBe(true);
});

it.each([
  'call(...[a, b])',
  'function f(...args: string[]) { return g(...args); }',
  'const f = (...names: string[]) => join(root, ...names)',
  'const list = [...a, ...b]',
  'for (const x of all) list.push(x)',
  'const options = { ...a, b }',
  'const tags = [...new Set(all.flatMap((x) => x.tags))]',
  "import * as z from 'zod'",
  'const total = [...map.values()].reduce((sum, x) => sum + x, 0)',
])('allows %s', (code) => {
  expect(isRefused(code)).toBe(false);
});
