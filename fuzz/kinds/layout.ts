/** OCI layouts in folders: documents, blobs that are missing, exchanged, links, folders. */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { buildBaseImages, once } from '../base-images.ts';
import { writeOciLayout } from '../../test/fixtures/write-oci-layout.ts';
import type { FuzzCase, Kind } from '../fuzz-case.ts';
import { byteMutations, mutate } from '../mutate/bytes.ts';
import { checkImages } from './archive.ts';
import { mutateJson } from '../mutate/json.ts';

const images = once(() => buildBaseImages());

export const layoutKind: Kind = {
  name: 'layout',
  about: 'OCI layouts in folders: documents, blobs missing, exchanged, links, folders',
  async run(fuzz) {
    const { random, sandbox, changes } = fuzz;
    const compression = random.pick(['none', 'gzip', 'zstd'] as const);
    const nested = random.below(2) === 0;
    changes.push(compression, nested ? 'nested' : 'flat');
    const folder = sandbox.at('in/layout');
    await writeOciLayout(folder, await images(), { compression, nested });
    for (let left = 1 + random.below(2); left > 0; left -= 1) changeFile(fuzz, folder);
    const built = await fuzz.build(
      'out.tar.xz',
      ['--from', `oci:${folder}`],
      /^(?:archive|config|layer|xz)-|^image-(?:not-found|unsupported)$|^source-failed$/,
    );
    if (built !== undefined) await checkImages(built);
  },
};

function changeFile({ random, changes, sandbox }: FuzzCase, folder: string): void {
  const files = (readdirSync(folder, { recursive: true }) as string[])
    .filter((name) => lstatSync(join(folder, name)).isFile())
    .sort();
  const small = files.filter((name) => statSync(join(folder, name)).size < 3000);
  const chosen = random.below(3) === 0 ? files : small;
  const name = chosen[random.below(chosen.length)] ?? 'index.json';
  const other = join(folder, files[random.below(files.length)] ?? 'index.json');
  const path = join(folder, name);
  const bytes = readFileSync(path);
  const ways: readonly (() => string)[] = [
    () => {
      const { result, note } = mutateJson(random, bytes);
      writeFileSync(path, result);
      return note;
    },
    () => {
      const { result, note } = mutate(random, bytes, byteMutations);
      writeFileSync(path, result);
      return note;
    },
    () => {
      rmSync(path);
      return 'removed';
    },
    () => {
      writeFileSync(path, readFileSync(other));
      return `is ${other}`;
    },
    () => {
      rmSync(path);
      symlinkSync(
        random.pick([
          other,
          path,
          '/dev/zero',
          '/dev/null',
          sandbox.at('outside/precious'),
          sandbox.at('outside'),
          'nowhere',
        ]),
        path,
      );
      return 'a link';
    },
    () => {
      rmSync(path);
      mkdirSync(path);
      return 'a folder';
    },
    () => {
      renameSync(path, `${path}x`);
      return 'renamed';
    },
  ];
  const index = random.below(ways.length + 4);
  changes.push(`${name}: ${(ways[index] ?? ways[0])?.() ?? ''}`);
}
