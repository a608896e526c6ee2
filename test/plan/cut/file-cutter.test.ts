/** createFileCutter: pieces that are the layer again, and that an edit, an insertion or new times leave as they were. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scanGearNatively } from '../../../src/addon/scan-gear.ts';
import { createContentCutter } from '../../../src/plan/cut/content-cutter.ts';
import { createFileCutter, fileCutterName } from '../../../src/plan/cut/file-cutter.ts';
import { encodeTarHeader, tarEnd } from '../../../src/format/tar/tar-header.ts';
import { sealHeader } from '../../format/tar/tar-fixture.ts';
import { cut, type LayerFile, layerOf, newSize, noise, sizesOf, text } from '../layer-fixture.ts';

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

const cutLayer = (bytes: Uint8Array, chunkSizes?: readonly number[]): Uint8Array[] =>
  cut(createFileCutter(), bytes, chunkSizes);

const startsWith = (piece: Uint8Array, bytes: Uint8Array): boolean =>
  Buffer.compare(piece.subarray(0, bytes.length), bytes) === 0;

const files = fc.array(
  fc
    .tuple(
      fc.constantFrom('usr/lib/', 'usr/bin/', 'app/', './etc/', 'usr/local/'),
      fc.nat(999),
      fc.oneof(fc.nat(3000), fc.nat(90_000), fc.nat(600_000)),
      fc.constantFrom(noise, text),
      fc.nat(50),
    )
    .map(([folder, name, size, make, seed]): LayerFile => ({
      path: `${folder}${name}`,
      bytes: make(size, seed),
    })),
  { maxLength: 8 },
);
/** What a cutter may be given: layers, layers that end early or in garbage, and what is no tar at all. */
const anyBytes = fc.oneof(
  files.map(layerOf),
  fc.tuple(files, fc.double({ min: 0, max: 1, noNaN: true })).map(([list, share]) => {
    const layer = layerOf(list);
    return layer.subarray(0, Math.floor(layer.length * share));
  }),
  fc
    .tuple(files, fc.uint8Array({ maxLength: 4000 }))
    .map(([list, tail]) => Buffer.concat([layerOf(list), tail])),
  fc.uint8Array({ maxLength: 3000 }),
);
const chunkings = fc.array(fc.integer({ min: 0, max: 70_000 }), { minLength: 1, maxLength: 5 });

/** An application with 40 sources, 10 bigger files and one above 1 MiB. */
const application: readonly LayerFile[] = Array.from({ length: 51 }, (_, index) => ({
  path: `app/src/file-${String(index).padStart(2, '0')}.js`,
  bytes: text(index % 5 === 4 ? (index === 49 ? 1_500_000 : 60_000) : 9000 + index, index),
}));

/** An application of small files only. */
const sources: readonly LayerFile[] = Array.from({ length: 3000 }, (_, index) => ({
  path: `app/${index}.js`,
  bytes: text(3000, index),
}));

/** Headers as PAX and GNU tar put them before a member with a long name. */
function extension(type: string, content: string): Buffer {
  const header = Buffer.from(encodeTarHeader({ name: 'extension', size: content.length }));
  header.write(type, 156, 'latin1');
  return Buffer.concat([sealHeader(header), Buffer.from(content.padEnd(512, '\0'))]);
}

describe('createFileCutter', () => {
  test('gives pieces that joined are the input, whatever it is, the same however it is chunked', () => {
    fc.assert(
      fc.property(anyBytes, chunkings, (bytes, chunkSizes) => {
        const pieces = cutLayer(bytes, [...chunkSizes, 777]);
        expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
        expect(sizesOf(pieces)).toEqual(sizesOf(cutLayer(bytes)));
        expect(sizesOf(pieces)).not.toContain(0);
      }),
      { numRuns: 60 },
    );
  });

  test('finds a big file of an application again under another name, with other times, in another layer', () => {
    fc.assert(
      fc.property(
        files,
        files,
        fc.integer({ min: 32 * kibibyte, max: 3 * mebibyte }),
        (before, after, size) => {
          const bytes = text(size, size);
          const one = cutLayer(layerOf([...before, { path: 'app/data', bytes }]));
          const two = cutLayer(layerOf([{ path: 'srv/x', bytes, mtime: 1e9 }, ...after]));
          const padded = Math.ceil(size / 512) * 512;
          // By content: a run may have the same size.
          const own = one.filter((piece) => piece.length === padded && startsWith(piece, bytes));
          expect(own).toHaveLength(1);
          expect(newSize(own, two)).toBe(0);
          expect(one.filter((piece) => startsWith(piece, bytes))).toHaveLength(1);
        },
      ),
      { numRuns: 20 },
    );
  });

  test('loses one run to an edited source, one piece to an edited big file', () => {
    const before = cutLayer(layerOf(application));
    const edit = (index: number): Uint8Array[] =>
      cutLayer(
        layerOf(
          application.map((file, at) =>
            at === index ? { ...file, bytes: text(file.bytes.length, 777) } : file,
          ),
        ),
      );
    expect(newSize(edit(20), before)).toBeLessThan(60_000);
    expect(newSize(edit(14), before)).toBe(Math.ceil(60_000 / 512) * 512);
  });

  test('moves nothing else where a file is inserted', () => {
    const before = cutLayer(layerOf(application));
    for (const index of [0, 13, 30, 51]) {
      const inserted = { path: 'app/src/new.js', bytes: text(5000, 99) };
      const after = cutLayer(
        layerOf([...application.slice(0, index), inserted, ...application.slice(index)]),
      );
      expect(newSize(after, before)).toBeLessThan(60_000);
    }
  });

  test('keeps ends of runs where they are in a run without big files', () => {
    const before = cutLayer(layerOf(sources));
    const after = cutLayer(layerOf([{ path: 'app/!.js', bytes: text(3000, 5000) }, ...sources]));
    expect(before.length).toBeGreaterThan(5);
    expect(newSize(after, before)).toBe(after[0]?.length);
  });

  test('loses headers and sources, and no big file, where every time changes', () => {
    const before = cutLayer(layerOf(application));
    const touched = application.map((file) => ({ ...file, mtime: 1_700_000_000 }));
    const after = cutLayer(layerOf(touched));
    const bigSize = application.reduce(
      (sum, { bytes }) => sum + (bytes.length >= 60_000 ? bytes.length : 0),
      0,
    );
    const layerSize = layerOf(touched).length;
    expect(newSize(after, before)).toBeLessThanOrEqual(layerSize - bigSize);
    expect(newSize(after, before)).toBeLessThan(layerSize / 4);
  });

  test.each([
    ['usr/lib/libssl.so.3', 'elf', 200, true],
    ['usr/lib/libssl.so.3', 'elf', 100, false],
    ['usr/bin/git', 'elf', 400, false],
    ['usr/bin/git', 'elf', 600, true],
    ['usr/share/words', 'text', 300, false],
    ['usr/share/words', 'text', 500, true],
    ['var/cache/a.gz', 'noise', 40, true],
    ['var/cache/a.gz', 'noise', 30, false],
    ['app/words', 'text', 40, true],
    ['./app/words', 'text', 30, false],
    ['usr/local/lib/words', 'text', 40, true],
  ])('%s of %s with %i KiB has a piece of its own: %s', (path, kind, size, isOwn) => {
    const bytes = kind === 'noise' ? noise(size * kibibyte, 1) : text(size * kibibyte, 1);
    if (kind === 'elf') bytes.write('\x7fELF', 'latin1');
    const pieces = cutLayer(layerOf([{ path, bytes }]));
    expect(pieces.some((piece) => piece.length === bytes.length && startsWith(piece, bytes))).toBe(isOwn);
  });

  test('cuts a huge file by content, and no piece above 16 MiB', () => {
    const data = text(60 * mebibyte, 5);
    const before = cutLayer(layerOf([{ path: 'app/data', bytes: data }]), [mebibyte]);
    expect(Math.max(...sizesOf(before))).toBeLessThanOrEqual(16 * mebibyte);
    const edited = Buffer.from(data);
    edited.write('edited', 3 * mebibyte);
    const after = cutLayer(layerOf([{ path: 'app/data', bytes: edited }]), [mebibyte]);
    expect(newSize(after, before)).toBe(after[1]?.length);
    const tiny = Array.from({ length: 18_000 }, (_, index) => ({
      path: 'usr/x',
      bytes: data.subarray(index, index + 700),
    }));
    expect(Math.max(...sizesOf(cutLayer(layerOf(tiny))))).toBeLessThanOrEqual(16 * mebibyte);
    expect(Math.max(...sizesOf(cutLayer(Buffer.alloc(40 * mebibyte))))).toBeLessThanOrEqual(16 * mebibyte);
  });

  test('cuts what is no tar as the content cutter does, from the block on that is no header', () => {
    const garbage = noise(9 * mebibyte, 4);
    const byContent = sizesOf(cut(createContentCutter(), garbage));
    expect(byContent.length).toBeGreaterThan(1);
    expect(sizesOf(cutLayer(garbage))).toEqual(byContent);
    const small = layerOf([{ path: 'app/a', bytes: text(100, 1) }]);
    expect(sizesOf(cutLayer(Buffer.concat([small, garbage])))).toEqual([small.length, ...byContent]);
  });

  test('takes a claim of 9 GiB for what comes of it', () => {
    const header = encodeTarHeader({ name: 'app/huge', size: 9 * 1024 * mebibyte }).subarray(-512);
    const bytes = Buffer.concat([header, noise(3 * mebibyte, 2)]);
    expect(sizesOf(cutLayer(bytes, [mebibyte]))).toEqual([512, 3 * mebibyte]);
  });

  test('finds big files behind PAX and GNU headers, hard links with a size, and a second archive', () => {
    const bytes = text(100_000, 3);
    const link = Buffer.from(encodeTarHeader({ name: 'app/link', size: 100_000 }));
    link.write('1', 156, 'latin1');
    const member = layerOf([{ path: 'app/data', bytes }]);
    const before = [
      extension('x', '30 mtime=1700000000.123456789\n'),
      extension('g', '19 comment=generic\n'),
      extension('L', 'app/'.padEnd(300, 'long')),
      sealHeader(link),
      tarEnd,
    ];
    for (const start of before) {
      const pieces = cutLayer(Buffer.concat([start, member]));
      expect(pieces.filter((piece) => startsWith(piece, bytes))).toHaveLength(1);
    }
  });

  test('gives a sparse file of old GNU tar back as it was', () => {
    const header = Buffer.from(encodeTarHeader({ name: 'app/sparse', size: 512 }));
    header.write('S', 156, 'latin1');
    header[482] = 1;
    const layer = Buffer.concat([
      sealHeader(header),
      Buffer.alloc(512, 1),
      noise(5000, 1),
      layerOf(application),
    ]);
    expect(Buffer.concat(cutLayer(layer, [4096])).equals(layer)).toBe(true);
  });

  test('cuts in the same places by the native scan, and nothing where there is nothing', () => {
    for (const bytes of [layerOf(application), Buffer.concat([layerOf(application), noise(9_000_000, 2)])]) {
      expect(sizesOf(cut(createFileCutter(scanGearNatively), bytes, [70_000]))).toEqual(
        sizesOf(cutLayer(bytes)),
      );
    }
    expect(cutLayer(Buffer.alloc(0))).toEqual([]);
  });

  test('has cut these layers here for ever, under this name', () => {
    expect(fileCutterName).toBe('files-2');
    const elf = text(600 * kibibyte, 4);
    elf.write('\x7fELF', 'latin1');
    const layer = layerOf([
      ...sources.slice(0, 2000),
      { path: 'usr/bin/program', bytes: elf },
      { path: 'usr/lib/liba.so.1', bytes: elf.subarray(0, 150 * kibibyte) },
      { path: 'usr/share/fonts.gz', bytes: noise(40 * kibibyte, 1) },
      { path: 'usr/share/words', bytes: text(200 * kibibyte, 6) },
      { path: 'opt/data', bytes: text(40 * mebibyte, 9) },
    ]);
    expect(sizesOf(cutLayer(layer, [mebibyte]))).toEqual([
      602112, 182784, 193536, 1333248, 971264, 652288, 1953280, 566272, 344064, 369664, 614400, 512, 153600,
      512, 40960, 205824, 16777216, 10992207, 14173617, 1024,
    ]);
  });
});
