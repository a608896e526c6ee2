/** Makes the folder that a customer gets: a bundle built by the program, with bundle.json, SHA256SUMS and the scripts. */
import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../../../sample/make-image.mjs';
import { normaliseTag } from '../../../src/image/reference.ts';
import type { FixtureImage } from '../../fixtures/sample-images.ts';
import { writeHybridArchive } from '../../fixtures/write-hybrid-archive.ts';
import { runCliOk } from '../../support/run-cli.ts';

/** Where the two scripts lie in this checkout. */
export const scriptFolder = fileURLToPath(new URL('../../../stick', import.meta.url));

export interface MakeStickOptions {
  /** Into how many parts images.tar.xz is cut; it is one file where left out. */
  readonly partCount?: number;
  /** Changes bundle.json before the sums are made: what a bundle that lies would say. */
  readonly tamper?: (json: string) => string;
}

/** Makes it in `folder`, which must not exist yet. */
export async function makeStick(
  folder: string,
  images: readonly FixtureImage[],
  { partCount, tamper = (json) => json }: MakeStickOptions = {},
): Promise<void> {
  await mkdir(folder);
  const source = `${folder}.source.tar`;
  await writeHybridArchive(source, images);
  const whole = join(folder, 'images.tar.xz');
  await runCliOk(['build', '--from', source, '-o', whole, '--cache', `${folder}.cache`]);
  await rm(source);
  await rm(`${folder}.cache`, { recursive: true });
  const archive = await readFile(whole);
  const parts =
    partCount === undefined
      ? [{ name: 'images.tar.xz', bytes: archive }]
      : cutInto(archive, partCount).map((bytes, index) => ({
          name: `images.tar.xz.${String(index + 1).padStart(3, '0')}`,
          bytes,
        }));
  const tarSize = execFileSync('xz', ['-dc', whole], { maxBuffer: 1 << 28 }).length;
  if (partCount !== undefined) await rm(whole);
  for (const { name, bytes } of parts) await writeFile(join(folder, name), bytes);
  const json = describeBundle({ archive, tarSize, parts, isSplit: partCount !== undefined, images });
  await writeFile(join(folder, 'bundle.json'), tamper(json));
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>Bundle</title>\n');
  for (const name of ['load.sh', 'verify.sh']) await copyFile(join(scriptFolder, name), join(folder, name));
  await writeSums(folder);
}

/** Writes SHA256SUMS for what is in the folder now. */
export async function writeSums(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name !== 'SHA256SUMS').sort();
  const lines = await Promise.all(
    names.map(async (name) => `${sha256(await readFile(join(folder, name)))}  ${name}\n`),
  );
  await writeFile(join(folder, 'SHA256SUMS'), lines.join(''));
}

interface BundleFacts {
  readonly archive: Buffer;
  readonly tarSize: number;
  readonly parts: readonly { readonly name: string; readonly bytes: Buffer }[];
  readonly isSplit: boolean;
  readonly images: readonly FixtureImage[];
}

function describeBundle({ archive, tarSize, parts, isSplit, images }: BundleFacts): string {
  const layers = new Map<string, number>();
  for (const layer of images.flatMap((image) => image.layers))
    layers.set(`sha256:${sha256(layer)}`, layer.length);
  const describeImage = ({ tags, config, layers }: FixtureImage): string =>
    writeLine({
      names: tags.map((tag) => normaliseTag(tag)).sort(),
      id: `sha256:${sha256(config)}`,
      platform: 'linux/amd64',
      created: '2024-06-01T12:00:00.000Z',
      size: layers.reduce((sum, layer) => sum + layer.length, 0),
      layers: layers.map((layer) => `sha256:${sha256(layer)}`),
    });
  const list = (name: string, lines: readonly string[]): string =>
    lines.length === 0 ? `  "${name}": []` : `  "${name}": [\n    ${lines.join(',\n    ')}\n  ]`;
  return [
    '{\n  "format": "bundlefs-bundle-1"',
    '  "tool": "bundlefs 0.1.0"',
    '  "created": "2026-11-25T10:00:00Z"',
    `  "archive": ${writeLine({ name: 'images.tar.xz', size: archive.length, sha256: sha256(archive), tarSize, isSplit })}`,
    list(
      'parts',
      parts.map(({ name, bytes }) => writeLine({ name, size: bytes.length, sha256: sha256(bytes) })),
    ),
    list('images', images.map(describeImage)),
    `${list(
      'layers',
      [...layers].map(([diffId, size]) => writeLine({ diffId, size, storedSize: size })),
    )}\n}\n`,
  ].join(',\n');
}

/** JSON with a space after each comma and colon, and within braces. */
function writeLine(value: object): string {
  return JSON.stringify(value, undefined, 1).replace(/\n\s*/g, ' ').replace(/\[ /g, '[').replace(/ \]/g, ']');
}

function cutInto(bytes: Buffer, count: number): Buffer[] {
  const size = Math.ceil(bytes.length / count);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}
