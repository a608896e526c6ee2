/** Caches whose files were damaged, exchanged, or became what no cache has: links, pipes, folders. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Finding } from '../finding.ts';
import { type FuzzCase, type Kind } from '../fuzz-case.ts';
import { known, knownCache } from '../known-cache.ts';
import { byteMutations, mutate } from '../mutate/bytes.ts';
import { mutateJson } from '../mutate/json.ts';

export const cacheKind: Kind = {
  name: 'cache',
  about: 'the folder of a cache: files damaged, exchanged, missing; links, pipes and folders in their place',
  async run(fuzz) {
    const { random, sandbox } = fuzz;
    const { archive, bundle } = await known();
    const cache = sandbox.at('cache');
    cpSync(await knownCache(), cache, { recursive: true });
    const from = fuzz.write('in/images.tar', archive);
    for (let left = 1 + random.below(3); left > 0; left -= 1) changeEntry(fuzz, cache);
    const verbs: readonly (readonly string[])[] = [
      ['cache', 'info'],
      ['cache', 'info', '--json'],
      ['cache', 'verify'],
      ['cache', 'verify', '--repair'],
      ['cache', 'gc', '--keep-last', '1'],
      ['cache', 'gc', '--max-size', '20K', '--dry-run'],
      ['plan', '--from', from],
      ['why', 'fuzz/web:1'],
      ['why', '--since', '2020-01-01'],
      ['diff', '@1', '@0'],
    ];
    for (let left = random.below(3); left > 0; left -= 1) {
      await fuzz.run([...(verbs[random.below(verbs.length)] ?? []), '--no-config'], verbCodes);
    }
    const built = await fuzz.build('out.tar.xz', ['--from', from], cacheCodes);
    if (built !== undefined && !built.bytes.equals(bundle))
      throw new Finding('another bundle than with a sound cache');
  },
};

const cacheCodes = /^cache-(?:failed|read-only)$|^block-(?:corrupt|missing)$/;
const verbCodes =
  /^cache-(?:failed|read-only)$|^block-(?:corrupt|missing)$|^image-not-found$|^invalid-argument$/;

function changeEntry({ random, changes, sandbox }: FuzzCase, cache: string): void {
  const all = (readdirSync(cache, { recursive: true }) as string[]).sort();
  const names = all.filter((name) => lstatSync(join(cache, name)).isFile());
  const folders = all.filter((name) => !names.includes(name));
  if (names.length === 0) return;
  const isFolder = random.below(6) === 0;
  const list = isFolder ? folders : names;
  const name = list[random.below(list.length)] ?? 'v1';
  const other = join(cache, names[random.below(names.length)] ?? 'v1');
  const path = join(cache, name);
  const put = (make: () => void): void => {
    rmSync(path, { recursive: true, force: true });
    make();
  };
  const ways: readonly (readonly [string, () => void])[] = [
    [
      'is gone',
      () => {
        rmSync(path, { recursive: true });
      },
    ],
    [
      'is a link to a precious file',
      () => {
        put(() => {
          symlinkSync(sandbox.at('outside/precious'), path);
        });
      },
    ],
    [
      'is a link to a precious folder',
      () => {
        put(() => {
          symlinkSync(sandbox.at('outside'), path);
        });
      },
    ],
    [
      'is a link to itself',
      () => {
        put(() => {
          symlinkSync(path, path);
        });
      },
    ],
    [
      'is a link to /dev/zero',
      () => {
        put(() => {
          symlinkSync('/dev/zero', path);
        });
      },
    ],
    [
      'is a folder',
      () => {
        put(() => {
          mkdirSync(path);
        });
      },
    ],
    [
      'is a pipe',
      () => {
        put(() => execFileSync('mkfifo', [path]));
      },
    ],
    [
      'is an empty file',
      () => {
        put(() => {
          writeFileSync(path, '');
        });
      },
    ],
    [
      'has another name',
      () => {
        renameSync(path, `${path}${random.pick(['x', '~', '.partial', ' '])}`);
      },
    ],
    [
      'has the mode 0',
      () => {
        chmodSync(path, 0);
      },
    ],
    ...(isFolder ? [] : fileWays({ random, changes }, path, other)),
  ];
  const [what, change] = ways[random.below(ways.length)] ?? ['stays', () => undefined];
  change();
  changes.push(`${name} ${what}`);
}

function fileWays(
  { random, changes }: Pick<FuzzCase, 'random' | 'changes'>,
  path: string,
  other: string,
): (readonly [string, () => void])[] {
  const changeBytes = (): void => {
    if (statSync(path).size === 0 || statSync(path).size > 2 ** 24) return; // an earlier change may have made it 2 GiB
    const bytes = readFileSync(path);
    const { result, note } =
      path.endsWith('.json') && random.below(2) === 0
        ? mutateJson(random, bytes)
        : mutate(random, bytes, byteMutations);
    changes.push(note);
    writeFileSync(path, result);
  };
  return [
    ...[0, 1, 2, 3, 4].map(() => ['has other bytes', changeBytes] as const),
    ...[0, 1].map(
      () =>
        [
          'is another file of the cache',
          () => {
            if (statSync(other).ino !== statSync(path).ino) cpSync(other, path);
          },
        ] as const,
    ),
    [
      'has 2 GiB, all but the first bytes zeros',
      () => {
        truncateSync(path, 2 ** 31);
      },
    ],
  ];
}
