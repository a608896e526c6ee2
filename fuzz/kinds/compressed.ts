/** Archives that are compressed as a whole: .xz, .zst and .gz, held against the tools that made these formats. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { baseArchive, compress } from '../base-images.ts';
import { Finding } from '../finding.ts';
import { type FuzzCase, type Kind, sourceCodes } from '../fuzz-case.ts';
import { type Mutation, mutateOften } from '../mutate/bytes.ts';
import { gzipMutations } from '../mutate/gzip.ts';
import { xzMutations } from '../mutate/xz.ts';
import { zstdMutations } from '../mutate/zstd.ts';

interface Format {
  readonly name: string;
  readonly ending: string;
  /** Commands that compress. */
  readonly writers: readonly [string, ...string[]];
  /** The command that decompresses standard input, and judges. */
  readonly reader: readonly [string, ...string[]];
  readonly mutations: readonly Mutation<Buffer>[];
}

/** Archives with bombs in them are not written out. */
const largestCompared = 4_000_000;

const formats: readonly Format[] = [
  {
    name: 'xz',
    ending: 'xz',
    writers: [
      ...([
        'xz -0 -T1',
        'xz -0 --block-size=4096',
        'xz -0 -T2 --block-size=9000',
        'xz -0 --check=sha256',
      ] as const),
      ...[
        'xz -0 --check=crc32',
        'xz -0 --check=none',
        'xz -0 --x86 --lzma2=preset=0',
        'xz --lzma2=dict=64MiB',
      ],
    ],
    reader: ['xz', '-dc', '--memlimit-decompress=2GiB'],
    mutations: xzMutations,
  },
  {
    name: 'zstd',
    ending: 'zst',
    writers: [
      'zstd -1',
      'zstd -1 --no-check',
      'zstd -19 --single-thread',
      'split -b 7000 --filter="zstd -1"',
      'zstd -1 --long=27',
      'zstd -1 --size-hint=60000',
    ],
    reader: ['zstd', '-dc', '--memory=128MB'],
    mutations: zstdMutations,
  },
  {
    name: 'gzip',
    ending: 'gz',
    writers: ['gzip -1', 'gzip -1 -n', 'split -b 9000 --filter="gzip -1"'],
    reader: ['gzip', '-dc'],
    mutations: gzipMutations,
  },
];

export const compressedKinds: readonly Kind[] = formats.map((format) => ({
  name: format.name,
  about: `archives compressed with ${format.name}: its parts, bombs, thousands of empty parts; against ${format.name} itself`,
  run: (fuzz) => runFormat(fuzz, format),
}));

async function runFormat(fuzz: FuzzCase, { ending, writers, reader, mutations }: Format): Promise<void> {
  const { random, changes } = fuzz;
  const form = random.pick(['legacy', 'hybrid'] as const);
  const writer = random.pick(writers);
  changes.push(form, writer);
  const bytes = mutateOften(random, await compress(writer, form), mutations, changes);
  const path = fuzz.write(`in/images.tar.${ending}`, bytes);
  const built = await fuzz.build('out.tar.xz', ['--from', path], sourceCodes);
  const verified = await fuzz.run(['verify', path], /^(?:archive|config|layer|xz|bundle)-/);
  await fuzz.run(['inspect', path], sourceCodes);
  const { content, isSure } = decode(reader, path);
  if (content === undefined) {
    if (isSure && verified.error === undefined)
      throw new Finding(`verify calls sound what ${reader[0]} does not read`);
    return;
  }
  if (built !== undefined && content.length < largestCompared) {
    const plain = await fuzz.build(
      'plain.tar.xz',
      ['--from', fuzz.write('in/plain.tar', content)],
      sourceCodes,
    );
    if (plain?.bytes.equals(built.bytes) !== true)
      throw new Finding(`not the bundle of what ${reader[0]} reads`);
  }
  if (isSure && content.equals(await baseArchive(form))) {
    if (built === undefined) throw new Finding(`${reader[0]} reads the very archive, and build refuses it`);
    if (verified.error !== undefined)
      throw new Finding(`verify refuses the very archive: ${verified.error.message}`);
  }
}

interface Decoded {
  /** What the tool makes of the file; undefined where it complains. */
  readonly content: Buffer | undefined;
  /** False for warnings: gzip ends with 2 for what lies behind the last member. */
  readonly isSure: boolean;
}

function decode([command, ...args]: readonly [string, ...string[]], path: string): Decoded {
  const { status, stdout } = spawnSync(command, args, {
    input: readFileSync(path),
    maxBuffer: 512 * 1024 * 1024,
  });
  return { content: status === 0 ? stdout : undefined, isSure: command !== 'gzip' || status !== 2 };
}
