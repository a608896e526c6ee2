/** Writes man/, the manual pages: `npm run man`. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createProgram } from '../src/cli/main.ts';
import { readVersion } from '../src/request/version.ts';
import { createManPages } from './man/man-pages.ts';

const folder = new URL('../man/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) rmSync(new URL(name, folder));
for (const { fileName, text } of createManPages(createProgram(new AbortController().signal), readVersion())) {
  writeFileSync(new URL(fileName, folder), text);
}
