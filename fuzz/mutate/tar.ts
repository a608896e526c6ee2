/** Changes tar archives: fields of headers, with checksums that fit, and members as a whole. */
import type { Random } from '../../sample/pseudo-content.mjs';
import { byteMutations, type Change, mutate, type Mutation, oddNumber } from './bytes.ts';

/** A header block and all that follows it up to the next one. */
interface Part {
  readonly header: Buffer;
  readonly rest: Buffer;
}

interface Split {
  readonly parts: readonly Part[];
  /** The end of the archive. */
  readonly end: Buffer;
}

/** POSIX 1003.1, ustar Interchange Format. */
const fields: readonly (readonly [name: string, start: number, size: number])[] = [
  ...([
    ['name', 0, 100],
    ['mode', 100, 8],
    ['uid', 108, 8],
    ['gid', 116, 8],
    ['size', 124, 12],
  ] as const),
  ...([
    ['mtime', 136, 12],
    ['chksum', 148, 8],
    ['typeflag', 156, 1],
    ['linkname', 157, 100],
  ] as const),
  ...([
    ['magic', 257, 6],
    ['version', 263, 2],
    ['uname', 265, 32],
    ['gname', 297, 32],
  ] as const),
  ...([
    ['devmajor', 329, 8],
    ['devminor', 337, 8],
    ['prefix', 345, 155],
  ] as const),
];

/** Those that say how the rest of the archive is read; they are chosen as often as all of them. */
const weightyFields = fields.filter(([name]) => ['name', 'size', 'typeflag', 'linkname'].includes(name));

const typeFlags = '\x0001234567ABDEKLMNSVXgxyz \xff';

/** Changes of a tar as such. */
export const tarMutations: readonly Mutation<Buffer>[] = [
  changeField,
  changeField,
  changeField,
  (random, tar) => changeParts(tar, (parts) => changeOrder(random, parts)),
  (random, tar) => changeParts(tar, (parts) => putHeaderBefore(random, parts)),
  (random, tar) => changeContent(random, tar),
  (random, tar) => changeEnd(random, tar),
  (random, tar) => mutate(random, tar, byteMutations),
];

function changeField(random: Random, tar: Buffer): Change | undefined {
  const { parts, end } = split(tar);
  const index = random.below(parts.length);
  const part = parts[index];
  if (part === undefined) return undefined;
  const list = random.below(2) === 0 ? fields : weightyFields;
  const [name, start, size] = list[random.below(list.length)] ?? ['name', 0, 100];
  const value = oddField(random, name, size, part.header.subarray(start, start + size));
  const header = Buffer.from(part.header);
  value.copy(header, start, 0, size);
  const isSealed = name !== 'chksum' && random.below(8) > 0;
  const changed = { header: isSealed ? seal(header) : header, rest: part.rest };
  const shown = JSON.stringify(value.toString('latin1').slice(0, 40));
  return {
    result: join({ parts: parts.map((one, at) => (at === index ? changed : one)), end }),
    note: `${name} of member ${index} is ${shown}${isSealed ? '' : ' without a checksum'}`,
  };
}

function oddField(random: Random, name: string, size: number, old: Buffer): Buffer {
  const field = Buffer.alloc(size);
  if (name === 'typeflag') return Buffer.of(typeFlags.charCodeAt(random.below(typeFlags.length)));
  const isNumber = !['name', 'linkname', 'magic', 'uname', 'gname', 'prefix', 'version'].includes(name);
  switch (name === 'size' && random.below(2) === 0 ? 5 + random.below(2) : random.below(isNumber ? 7 : 5)) {
    case 0:
      return field;
    case 1:
      return field.fill(random.pick([0x20, 0x30, 0x37, 0x41, 0xff, 0x80]));
    case 2:
      return Buffer.from(mutate(random, old, byteMutations.slice(0, 3)).result);
    case 3: {
      const text = random.pick([
        '../../x',
        '/etc/x',
        '.',
        './',
        'a//b',
        '.wh.',
        '.wh..wh..opq',
        'é\u0301',
        'a\nb',
        ' ',
      ]);
      field.write(text.repeat(random.pick([1, 1, 1, 40])), 'utf8');
      return field;
    }
    case 4:
      return random.bytes(size);
    case 5:
      field.write(
        (oddNumber(random) % 8n ** BigInt(size))
          .toString(8)
          .padStart(size - random.below(2), random.pick(['0', ' '])),
        'latin1',
      );
      return field;
    default: {
      // Base 256 (GNU): the top bit says so, the next one is the sign.
      const wide = Buffer.alloc(8);
      wide.writeBigUInt64BE(oddNumber(random));
      wide.copy(field, Math.max(0, size - 8), Math.max(0, 8 - size));
      field[0] = random.pick([0x80, 0xff, 0xc0]);
      return field;
    }
  }
}

function changeOrder(random: Random, parts: readonly Part[]): Change<readonly Part[]> {
  const from = random.below(parts.length);
  const to = random.below(parts.length + 1);
  const part = parts[from];
  if (part === undefined) return { result: parts, note: 'nothing' };
  const without = parts.filter((_, index) => index !== from);
  switch (random.below(4)) {
    case 0:
      return { result: without, note: `member ${from} left out` };
    case 1:
      return { result: insert(parts, to, part), note: `member ${from} again at ${to}` };
    case 2:
      return {
        result: insert(parts, to, { header: part.header, rest: Buffer.alloc(0) }),
        note: `header ${from} alone at ${to}`,
      };
    default:
      return { result: insert(without, to, part), note: `member ${from} moved to ${to}` };
  }
}

/** A PAX header, a GNU long name, a global header, or what looks like one. */
function putHeaderBefore(random: Random, parts: readonly Part[]): Change<readonly Part[]> {
  const at = random.below(parts.length + 1);
  const type = random.pick(['x', 'x', 'x', 'g', 'L', 'K', 'N', 'X', 'V', 'M', 'S', 'D']);
  const key = random.pick([
    'path',
    'linkpath',
    'size',
    'mtime',
    'uid',
    'gid',
    'GNU.sparse.major',
    'GNU.sparse.size',
    'GNU.sparse.map',
    'SCHILY.xattr.user.x',
    'hdrcharset',
    '',
  ]);
  const value = random.pick([
    '',
    '0',
    '-1',
    '1e3',
    '9007199254740993',
    'a\0b',
    '../../x',
    'x'.repeat(random.below(6000)),
    '0x10',
    ' 5',
    '00000000000000000000005',
  ]);
  const isRecord = 'xgX'.includes(type);
  const body = isRecord
    ? random.pick([
        record(key, value),
        record(key, value) + record('path', 'pax/name'),
        `99999 ${key}=${value}\n`,
        `${key}=${value}`,
      ])
    : `${value}\0`;
  const content = Buffer.from(body);
  const header = Buffer.alloc(512);
  header.write(`PaxHeaders.0/${at}`, 0, 'latin1');
  header.write('0000644\u00000000000\u00000000000\u0000', 100, 'latin1');
  header.write(`${content.length.toString(8).padStart(11, '0')}\0${'0'.repeat(11)}\0`, 124, 'latin1');
  header.write(type, 156, 'latin1');
  header.write('ustar\u000000', 257, 'latin1');
  const rest = Buffer.concat([content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
  const note = `a header of type ${type} at ${at}: ${JSON.stringify(body.slice(0, 60))}`;
  return { result: insert(parts, at, { header: seal(header), rest }), note };
}

/** What a member holds, which may be JSON or a compressed layer, at its own length. */
function changeContent(random: Random, tar: Buffer): Change | undefined {
  const { parts, end } = split(tar);
  const index = random.below(parts.length);
  const part = parts[index];
  if (part === undefined || part.rest.length === 0) return undefined;
  const { result, note } = mutate(random, part.rest, byteMutations);
  const rest = Buffer.alloc(part.rest.length);
  result.copy(rest);
  const changed = { header: part.header, rest };
  return {
    result: join({ parts: parts.map((one, at) => (at === index ? changed : one)), end }),
    note: `content of member ${index}: ${note}`,
  };
}

function changeEnd(random: Random, tar: Buffer): Change {
  const { parts, end } = split(tar);
  const ends: readonly (readonly [string, Buffer])[] = [
    ['no end', Buffer.alloc(0)],
    ['one block of zeros', Buffer.alloc(512)],
    ['an end of 700 bytes', Buffer.alloc(700)],
    ['a long end', Buffer.alloc(100_000)],
    ['garbage behind the end', Buffer.concat([end, random.bytes(300)])],
    ['another archive behind the end', Buffer.concat([Buffer.alloc(1024), tar])],
    ['a block of zeros in the middle', end],
  ];
  const [note, chosen] = ends[random.below(ends.length)] ?? ['nothing', end];
  if (!note.includes('middle')) return { result: join({ parts, end: chosen }), note };
  const at = random.below(parts.length + 1);
  const zeros = { header: Buffer.alloc(512), rest: Buffer.alloc(0) };
  return { result: join({ parts: insert(parts, at, zeros), end }), note: `a block of zeros at ${at}` };
}

function changeParts(
  tar: Buffer,
  change: (parts: readonly Part[]) => Change<readonly Part[]>,
): Change | undefined {
  const { parts, end } = split(tar);
  if (parts.length === 0) return undefined;
  const { result, note } = change(parts);
  return { result: join({ parts: result, end }), note };
}

/** Goes by the sizes of headers; what does not fit is of the part before it. */
function split(tar: Buffer): Split {
  const parts: Part[] = [];
  let position = 0;
  while (position + 512 <= tar.length) {
    const header = tar.subarray(position, position + 512);
    if (header.every((byte) => byte === 0)) break;
    const size = parseInt(header.toString('latin1', 124, 136), 8);
    const length = Number.isSafeInteger(size) ? Math.ceil(size / 512) * 512 : 0;
    const next = Math.min(tar.length, position + 512 + length);
    parts.push({ header, rest: tar.subarray(position + 512, next) });
    position = next;
  }
  return { parts, end: tar.subarray(position) };
}

function join({ parts, end }: Split): Buffer {
  return Buffer.concat([...parts.flatMap(({ header, rest }) => [header, rest]), end]);
}

function insert<T>(list: readonly T[], at: number, item: T): T[] {
  return [...list.slice(0, at), item, ...list.slice(at)];
}

/** Writes the checksum: the sum of all bytes, the checksum's own as spaces. */
function seal(header: Buffer): Buffer {
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

function record(key: string, value: string): string {
  const length = Buffer.byteLength(` ${key}=${value}\n`);
  let digits = String(length).length;
  if (String(length + digits).length > digits) digits += 1;
  return `${length + digits} ${key}=${value}\n`;
}
