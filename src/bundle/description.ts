/** bundle.json, which lies beside a bundle, as one side of a comparison: images and layers, without blocks and files. */
import { checkShape } from '../ground/explain-shape.ts';
import { BundleError } from '../ground/errors.ts';
import * as z from 'zod';

const hint = 'It was damaged or changed. Copy the whole folder again from its source.';

/** The description that `text` is, or undefined where it is JSON of another kind. Throws archive-corrupt. */
export function parseBundleDescription(text: string, label: string): BundleDescription | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new BundleError('archive-corrupt', `Cannot read "${label}": it is not JSON`, {
      cause: error,
      hint,
    });
  }
  const format = typeof json === 'object' && json !== null && 'format' in json ? json.format : undefined;
  if (typeof format !== 'string' || !format.startsWith('bundlefs-bundle-')) return undefined;
  const shaped = checkShape(json, bundleDescriptionSchema);
  if (shaped.isRight) return shaped.data;
  throw new BundleError('archive-corrupt', `Cannot read "${label}": in its bundle.json, ${shaped.fault}`, {
    cause: shaped.cause,
    hint,
  });
}

const size = z.int().nonnegative();
const hex = z.string().regex(/^[0-9a-f]{64}$/);
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
/** Names of files beside bundle.json: never a path, so that a reader may join them to a folder. */
const fileName = z.string().regex(/^images\.tar\.xz(\.[0-9]{3,})?$/);

export const bundleDescriptionSchema = z.object({
  format: z.literal('bundlefs-bundle-1'),
  tool: z.string().describe('The program that made it, and its version'),
  created: z.iso.datetime().describe('When this bundle was first finished, in UTC, in whole seconds'),
  archive: z.object({
    name: fileName,
    size: size.describe('Bytes of the whole archive: of all parts joined'),
    sha256: hex.describe('Of the whole archive'),
    tarSize: size.describe('Bytes that it decompresses to'),
    isSplit: z.boolean().describe('Whether the archive lies beside this file in parts'),
  }),
  parts: z
    .array(z.object({ name: fileName, size, sha256: hex }))
    .min(1)
    .describe('The files that make the archive, in the order in which they are joined'),
  images: z
    .array(
      z.object({
        names: z.array(z.string()).describe('Fully qualified, with a tag; none for an untagged image'),
        id: digest.describe('Of the config'),
        platform: z.string().describe('os/architecture, and /variant; empty where the config names none'),
        created: z.string().describe('RFC 3339, as the config has it; empty where it has none'),
        size: size.describe('Bytes of its layers’ tars'),
        layers: z.array(digest).describe('diffIds from the lowest up'),
      }),
    )
    .describe('In the order of the bundle'),
  layers: z
    .array(
      z.object({
        diffId: digest,
        size: size.describe('Bytes of its tar'),
        storedSize: size.describe('Bytes that it takes in the archive'),
      }),
    )
    .describe('Every layer of the images once, in the order of the bundle'),
});

export type BundleDescription = z.infer<typeof bundleDescriptionSchema>;

/**
 * The bytes of bundle.json: pure ASCII, each part, image and layer on a line of its own and keys always in one order,
 * so that a shell script can read it without a JSON parser.
 */
export function encodeBundleDescription(description: BundleDescription): Uint8Array {
  const { format, tool, created, archive, parts, images, layers } = description;
  const lines = [
    '{',
    `  "format": ${toText(format)},`,
    `  "tool": ${toText(tool)},`,
    `  "created": ${toText(created)},`,
    `  "archive": ${toText(pick(archive, 'name', 'size', 'sha256', 'tarSize', 'isSplit'))},`,
    ...toList(
      'parts',
      parts.map((part) => pick(part, 'name', 'size', 'sha256')),
      ',',
    ),
    ...toList(
      'images',
      images.map((image) => pick(image, 'names', 'id', 'platform', 'created', 'size', 'layers')),
      ',',
    ),
    ...toList(
      'layers',
      layers.map((layer) => pick(layer, 'diffId', 'size', 'storedSize')),
      '',
    ),
    '}',
  ];
  return Buffer.from(`${lines.join('\n')}\n`);
}

/** The entries of `value` in this order, whoever made it. */
function pick<T, K extends keyof T & string>(
  value: T,
  ...keys: readonly K[]
): readonly (readonly [K, T[K]])[] {
  return keys.map((key) => [key, value[key]] as const);
}

type Entries = readonly (readonly [string, unknown])[];

function toList(name: string, items: readonly Entries[], end: string): string[] {
  if (items.length === 0) return [`  "${name}": []${end}`];
  const lines = items.map((item, index) => `    ${toText(item)}${index === items.length - 1 ? '' : ','}`);
  return [`  "${name}": [`, ...lines, `  ]${end}`];
}

/** JSON on one line with `, ` and `: ` between; what is not ASCII, and what HTML could take for markup, is escaped. */
function toText(value: string | Entries): string {
  if (typeof value === 'string') return escapeText(JSON.stringify(value));
  return `{ ${value.map(([key, item]) => `"${key}": ${toItem(item)}`).join(', ')} }`;
}

function toItem(item: unknown): string {
  if (Array.isArray(item)) return `[${item.map((entry) => escapeText(JSON.stringify(entry))).join(', ')}]`;
  return escapeText(JSON.stringify(item));
}

function escapeText(json: string): string {
  return json.replace(
    /[<>&\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
