/** The version of this program, from its package.json. */
import { readFileSync } from '../disk/named-files.ts';

/** `1.2.3`. */
export function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** This program as it names itself in what it writes: `bundlefs 1.2.3`. */
export function toolName(): string {
  return `bundlefs ${readVersion()}`;
}
