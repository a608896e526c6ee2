/** Layers of images, as squash, thin, diff and why read them: what a tar of files can have in it. */
import { makeImage } from '../../sample/make-image.mjs';
import type { FixtureImage } from '../../test/fixtures/sample-images.ts';
import { buildBaseImages, makeArchive, once } from '../base-images.ts';
import { checkBundle } from '../check-bundle.ts';
import { Finding } from '../finding.ts';
import { type FuzzCase, type Kind, sourceCodes } from '../fuzz-case.ts';
import { mutateOften } from '../mutate/bytes.ts';
import { tarMutations } from '../mutate/tar.ts';

const images = once(() => buildBaseImages());

export const layerKind: Kind = {
  name: 'layer',
  about: 'layer tars through squash, thin, diff --files and why',
  async run(fuzz) {
    const { random, changes } = fuzz;
    const [web, worker, odd] = await images();
    if (web === undefined || worker === undefined || odd === undefined) throw new TypeError('no images');
    const layers = random.below(2) === 0 ? [...web.layers] : [...odd.layers, ...worker.layers];
    const at = random.below(layers.length);
    layers[at] = mutateOften(random, layers[at] ?? Buffer.alloc(0), tarMutations, changes);
    changes.push(`layer ${at} of ${layers.length}`);
    const changed = makeImage({ name: 'changed', tags: ['fuzz/changed:1'], layers });
    const path = fuzz.write('in/images.tar', await makeArchive([changed, web], 'hybrid'));
    const built = await fuzz.build('built.tar.xz', ['--from', path], sourceCodes);
    if (built === undefined) return;
    await squash(fuzz, path);
    await fuzz.run(
      ['thin', 'fuzz/changed:1', '--on', 'fuzz/web:1', '--no-config', '--dry-run', '--from', path],
      transformCodes,
    );
    const before = fuzz.write('in/before.tar', await makeArchive([rename(web)], 'legacy'));
    await fuzz.run(['diff', '--files', '--json', '--no-config', before, path], sourceCodes);
    await fuzz.run(
      ['why', 'fuzz/changed:1', '--no-config'],
      /^(?:archive|config|layer|xz)-|^image-(?:not-found|unsupported)$|^invalid-argument$/,
    );
  },
};

const transformCodes = /^(?:archive|config|layer)-|^bundle-corrupt$|^image-unsupported$/;

interface DiffReport {
  readonly images: readonly {
    readonly after?: { readonly names: readonly string[] };
    readonly files?: readonly unknown[];
  }[];
}

/** An image has the same files when it was squashed. */
async function squash(fuzz: FuzzCase, from: string): Promise<void> {
  const path = fuzz.sandbox.at('out/squashed.tar.xz');
  const args = [
    'squash',
    'fuzz/changed:1',
    '-t',
    'fuzz/changed:1',
    '--from',
    from,
    '--no-config',
    '--preset',
    '0',
  ];
  const squashed = await fuzz.make(['squashed.tar.xz'], [...args, '-o', path], transformCodes);
  if (squashed.error !== undefined) return;
  await checkBundle(path);
  const compared = await fuzz.run(['diff', '--files', '--json', '--no-config', from, path], sourceCodes);
  if (compared.error !== undefined)
    throw new Finding(`diff does not read what squash made: ${compared.error.message}`);
  const { images } = JSON.parse(compared.stdout) as DiffReport;
  const change = images.find(({ after }) => after?.names.includes('fuzz/changed:1') === true);
  const files = change?.files ?? [];
  if (files.length > 0) throw new Finding(`squash changed files: ${JSON.stringify(files.slice(0, 3))}`);
}

function rename(image: FixtureImage): FixtureImage {
  return { ...image, tags: ['fuzz/changed:1'] };
}
