/** What `--from` names: files, or an engine. */
import { resolve } from 'node:path';
import type { Transform } from '../transforms/transform.ts';

/** The files that `from` names, absolute: what a mount that watches looks at again, and no output may replace. */
export function sourceFiles(from: string | undefined): readonly string[] {
  if (from === undefined || from === '-' || isEngine(from) || isRegistry(from)) return [];
  if (from.startsWith('oci:')) return [resolve(from.slice('oci:'.length), 'index.json')];
  return [resolve(from.replace(/^recipe:/, ''))];
}

/** The files that the older image of a transform comes from. */
export function transformFiles(transform: Transform): readonly string[] {
  return transform.kind === 'thin' ? sourceFiles(transform.onFrom) : [];
}

/** The engine that `from` names, by its host where it names one; undefined where it names something else. */
export function sourceEngine(from: string | undefined): { readonly host?: string } | undefined {
  if (from !== undefined && (!isEngine(from) || isRegistry(from))) return undefined;
  const host = from?.slice('docker:'.length) ?? '';
  return host === '' ? {} : { host };
}

function isRegistry(from: string): boolean {
  return from.startsWith('docker://');
}

function isEngine(from: string): boolean {
  return from === 'docker' || from.startsWith('docker:');
}
