/** Layers with every form of header that GNU tar or docker reads: the cutter keeps in step, and new times cost nothing but headers. */
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFileCutter } from '../../src/plan/cut/file-cutter.ts';
import {
  base256,
  gnuMagic,
  padded,
  type RawHeader,
  rawEnd,
  rawHeader,
  rawLink,
  rawLong,
  rawPax,
} from '../fixtures/raw-members.ts';
import { cut, newSize, text } from './layer-fixture.ts';

/** How a number is written into a field of so many bytes. */
type NumberForm = (value: number, width: number) => string;

const octal: NumberForm = (value, width) => `${value.toString(8).padStart(width - 1, '0')}\0`;
const forms: readonly NumberForm[] = [
  octal,
  (value, width) => (value === 0 ? '' : octal(value, width)), // .NET
  (value, width) => (value === 0 ? ' \0' : octal(value, width)),
  (value, width) => value.toString(8).padStart(width, '0'),
  (value, width) => `${value.toString(8).padStart(width - 2, ' ')} \0`,
  (value, width) => value.toString(8).padEnd(width, ' '),
  (value) => `${value.toString(8)}\0garbage`,
  (value, width) => `\0${value.toString(8).padStart(width - 2, '0')}`,
  (value, width) => base256(value, width),
];

/** One file: what of its headers is odd. */
interface OddFile {
  readonly type: string;
  readonly magic: string;
  readonly form: NumberForm;
  readonly sum: RawHeader['sum'];
  readonly before: 'nothing' | 'pax' | 'long' | 'global' | 'size in pax' | 'size in pax alone';
  readonly prefix: string;
  readonly size: number;
}

const file = fc.record<OddFile>({
  type: fc.constantFrom('0', '\0', '7'),
  magic: fc.constantFrom('ustar\x0000', 'ustar\0', '', gnuMagic, 'ustar\x00  '),
  form: fc.constantFrom(...forms),
  sum: fc.constantFrom<RawHeader['sum'][]>(undefined, 'signed', 'blank-ended'),
  before: fc.constantFrom('nothing', 'pax', 'long', 'global', 'size in pax', 'size in pax alone'),
  prefix: fc.constantFrom('app', 'usr/lib', 'opt/é'),
  size: fc.constantFrom(0, 100, 40_000, 400_000, 524_288, 600_001),
});

/** Members without content between the files. */
const between = fc.constantFrom<RawHeader[]>(
  { type: '5', name: 'app/' },
  { type: '2', name: 'link', link: 'app' },
  { type: '3', name: 'device', device: [1, 3] },
  { type: '6', name: 'fifo' },
);

const contents = new Map([0, 1, 2, 3, 4].map((seed) => [seed, text(600_001, seed + 1)]));

function packFile(odd: OddFile, index: number, mtime: number): Buffer {
  const { type, magic, form, sum, before, prefix, size } = odd;
  const content = (contents.get(index % 5) ?? Buffer.alloc(0)).subarray(0, size);
  const said = before === 'size in pax alone' ? 0 : size;
  const fields = {
    mode: form(0o644, 8),
    uid: form(0, 8),
    gid: form(index, 8),
    size: form(said, 12),
    mtime: form(mtime, 12),
  };
  const name = `${prefix}/file-${index}`;
  const extension = {
    nothing: Buffer.alloc(0),
    pax: rawPax([['mtime', `${mtime}.5`]]),
    long: rawLong(`${prefix}/${'n'.repeat(200)}-${index}`),
    global: rawPax([['comment', `${mtime}`]], { type: 'g', name: 'pax_global_header' }),
    'size in pax': rawPax([['size', String(size)]]),
    'size in pax alone': rawPax([
      ['mtime', `${mtime}`],
      ['size', String(size)],
    ]),
  }[before];
  const header = rawHeader({ name, type, magic, fields, ...(sum !== undefined && { sum }) });
  return Buffer.concat([extension, header, padded(content)]);
}

type Member = readonly [OddFile, RawHeader, NumberForm];

function packLayer(members: readonly Member[], mtime: number): Buffer {
  const parts = members.flatMap(([odd, header, form], index) => [
    rawHeader({ ...header, name: `${String(header.name)}${index}`, mtime, fields: { size: form(0, 12) } }),
    packFile(odd, index, mtime),
    rawLink(`link-${index}`, `${odd.prefix}/file-${index}`, { size: index === 1 ? 5 : 0, mtime }),
  ]);
  return Buffer.concat([...parts, rawEnd]);
}

const layers = fc.array(fc.tuple(file, between, fc.constantFrom(...forms)), { minLength: 1, maxLength: 5 });

const cutLayer = (bytes: Uint8Array, chunkSizes?: readonly number[]): Uint8Array[] =>
  cut(createFileCutter(), bytes, chunkSizes);

describe('createFileCutter', () => {
  it('follows every header that GNU tar reads, and finds all files again under new times', () => {
    fc.assert(
      fc.property(layers, fc.integer({ min: 1, max: 70_000 }), (members, chunkSize) => {
        const before = packLayer(members, 1_700_000_000);
        const after = packLayer(members, 1_700_500_000);
        const { status, stdout, stderr } = spawnSync('tar', ['-t'], { input: after, encoding: 'latin1' });
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        expect(stdout.trimEnd().split('\n')).toHaveLength(3 * members.length);
        const pieces = cutLayer(after, [chunkSize]);
        expect(Buffer.concat(pieces).equals(after)).toBe(true);
        // Files below 512 KiB may lie in a run with others where a package manager puts them: these are told by size here.
        const big = members.filter(([{ size, prefix }]) => size >= (prefix === 'usr/lib' ? 524_288 : 32_768));
        const bigSize = big.reduce((sum, [{ size }]) => sum + size, 0);
        const reused = after.length - newSize(pieces, cutLayer(before));
        expect(reused).toBeGreaterThanOrEqual(bigSize * 0.99);
      }),
      { numRuns: 100 },
    );
  }, 120_000);

  it.each<[string, Buffer]>([
    ['a blank size', rawHeader({ name: 'a', fields: { size: ' '.repeat(12) } })],
    ['a folder with a size', rawHeader({ name: 'a/', type: '5', size: 4096 })],
    ['a symlink with a size', rawHeader({ name: 'a', type: '2', link: 'b', size: 3 })],
    ['a device with a size', rawHeader({ name: 'a', type: '4', size: 512 })],
    [
      'a folder and content of it',
      Buffer.concat([rawHeader({ name: 'a/', type: '5', size: 5 }), padded(text(5, 1))]),
    ],
    ['a link and content of it', Buffer.concat([rawLink('a', 'b', { size: 900 }), padded(text(900, 1))])],
    ['what is no header', Buffer.alloc(1536, 'x')],
    ['a size that is none', rawHeader({ name: 'a', fields: { size: 'none' } })],
    ['a wrong checksum', rawHeader({ name: 'a', sum: 'wrong' })],
    ['a time before 1970', rawHeader({ name: 'a', fields: { mtime: base256(-1, 12) } })],
    ['a star header', rawHeader({ name: 'a', prefix: 'b', at: [[508, 'tar\0']] })],
    [
      'an extended header of 100 kB',
      rawPax([
        ['size', '5'],
        ['SCHILY.xattr.user.a', 'x'.repeat(100_000)],
      ]),
    ],
    ['a second archive', rawEnd],
    ['an old sparse file with a long map', sparseFile(5)],
  ])('finds files behind %s', (_, odd) => {
    const content = text(600_000, 3);
    const member = Buffer.concat([
      rawHeader({ name: 'app/f', size: content.length }),
      padded(content),
      rawEnd,
    ]);
    // The size of 5 of the case with the extended header counts for a member before the file.
    const small = Buffer.concat([rawHeader({ name: 'small', size: 5 }), padded(text(5, 2))]);
    for (const chunkSize of [100, 4096, 1_000_000]) {
      const pieces = cutLayer(Buffer.concat([odd, small, member]), [chunkSize]);
      expect(pieces.map((piece) => piece.length)).toContain(padded(content).length);
    }
  });

  it('takes no block within content for a header', () => {
    const inner = Buffer.concat([
      rawHeader({ name: 'inner', size: 700_000 }),
      padded(text(700_000, 1)),
      rawEnd,
    ]);
    const outer = Buffer.concat([rawHeader({ name: 'app/a.tar', size: inner.length }), inner, rawEnd]);
    expect(cutLayer(outer).map((piece) => piece.length)).toEqual([512, inner.length, 1024]);
  });
});

/** Its map goes on in two blocks behind the header (GNU tar manual, "Basic Tar Format"). */
function sparseFile(size: number): Buffer {
  const header = rawHeader({ name: 'sparse', type: 'S', size, magic: gnuMagic, at: [[482, '\x01']] });
  const [map, last] = [Buffer.alloc(512, '0'), Buffer.alloc(512, '0')];
  map[504] = 1;
  last[504] = 0;
  return Buffer.concat([header, map, last, padded(text(size, 4))]);
}
