/** What a member of a group could write to its cache: well formed, with every sum right, and false. */
import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeBlock } from '../../src/addon/block-codec.ts';
import { encodeFrame } from '../../src/addon/frame-codec.ts';
import { encodeTrailer, findRecordInTrailer, trailerSize } from '../../src/cache/block-file.ts';
import {
  blockForm,
  type BlockKey,
  type BlockRecord,
  frameForm,
  type StoredForm,
} from '../../src/plan/layout/block-record.ts';
import { parseEncoderName } from '../../src/plan/layout/profile.ts';
import { digestOf } from '../../src/ground/digest.ts';

type Row = [key: string, unpaddedSize: number, uncompressedSize: number, hex: string, crc64: string];

export interface LayerDocument {
  readonly diffId: string;
  blocks: Row[];
}

/** The paths of all files below `folder`, sorted. */
export async function listAll(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

export async function readDocument(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8');
  return JSON.parse(text.slice(text.indexOf('\n') + 1));
}

export async function writeDocument(path: string, value: unknown): Promise<void> {
  const body = `${JSON.stringify(value)}\n`;
  await writeFile(path, `${digestOf(Buffer.from(body))}\n${body}`);
}

/** Layer records, the one with the most blocks first. */
export async function readLayers(root: string): Promise<{ path: string; document: LayerDocument }[]> {
  const layers: { path: string; document: LayerDocument }[] = [];
  for (const path of await listAll(join(root, 'layers'))) {
    layers.push({ path, document: (await readDocument(path)) as LayerDocument });
  }
  return layers.sort((a, b) => b.document.blocks.length - a.document.blocks.length);
}

export async function readRecord(path: string, form: StoredForm = blockForm): Promise<BlockRecord> {
  const bytes = await readFile(path);
  const key = path.slice(-64) as BlockKey;
  const record = findRecordInTrailer(key, bytes.subarray(-trailerSize), bytes.length, form);
  if (record === undefined) throw new TypeError(`${path} is no block`);
  return record;
}

/** Puts a good block of other content, of the same size, in the place of the one at `path`; returns its record. */
export async function forgeBlock(path: string): Promise<BlockRecord> {
  const { key, uncompressedSize } = await readRecord(path);
  const settings = parseEncoderName(path.split('/').at(-3) ?? '');
  if (settings === undefined) throw new TypeError(`${path} is of no encoder`);
  const { bytes, unpaddedSize, crc64 } = await encodeBlock(randomBytes(uncompressedSize), settings);
  const record = { key, unpaddedSize, uncompressedSize, digest: digestOf(bytes), crc64 };
  await writeFile(path, Buffer.concat([bytes, encodeTrailer(record)]));
  return record;
}

/** The same for a frame. */
export async function forgeFrame(path: string): Promise<void> {
  const { key, uncompressedSize } = await readRecord(path, frameForm);
  const { bytes, crc64 } = await encodeFrame(randomBytes(uncompressedSize), 3);
  const record = { key, unpaddedSize: bytes.length, uncompressedSize, digest: digestOf(bytes), crc64 };
  await writeFile(path, Buffer.concat([bytes, encodeTrailer(record, frameForm)]));
}

export function toRow({ key, unpaddedSize, uncompressedSize, digest, crc64 }: BlockRecord): Row {
  return [key, unpaddedSize, uncompressedSize, digest.slice('sha256:'.length), crc64];
}
