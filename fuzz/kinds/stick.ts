/** Sticks: damaged files, another bundle.json and SHA256SUMS, as verify.sh, copy, diff and delta take them. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Finding } from '../finding.ts';
import { type Kind, sourceCodes } from '../fuzz-case.ts';
import { known, knownCache } from '../known-cache.ts';
import { byteMutations, mutateOften } from '../mutate/bytes.ts';
import { mutateJson } from '../mutate/json.ts';

export const stickKind: Kind = {
  name: 'stick',
  about: 'the folder of a stick: the archive, bundle.json, SHA256SUMS, by verify.sh, copy, diff and delta',
  async run(fuzz) {
    const { random, changes, sandbox } = fuzz;
    const { stick, bundle, newArchive } = await known();
    const folder = sandbox.at('in/stick');
    cpSync(stick, folder, { recursive: true });
    cpSync(await knownCache(), sandbox.at('cache'), { recursive: true });
    const name = random.pick([
      'images.tar.xz',
      'bundle.json',
      'bundle.json',
      'bundle.json',
      'SHA256SUMS',
      'index.html',
    ]);
    changes.push(name);
    const path = join(folder, name);
    if (random.below(12) === 0) {
      rmSync(path);
      changes.push('is gone');
    } else if (name === 'bundle.json' && random.below(3) > 0) {
      const { result, note } = mutateJson(random, readFileSync(path));
      writeFileSync(path, result);
      changes.push(note);
    } else writeFileSync(path, mutateOften(random, readFileSync(path), byteMutations, changes));
    const from = fuzz.write('in/new.tar', newArchive);
    const isSame = readFileSync(join(folder, name), { flag: 'a+' }).equals(readFileSync(join(stick, name)));

    const verified = spawnSync('sh', [join(folder, 'verify.sh')], {
      timeout: 60_000,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'] },
    });
    if (verified.error !== undefined) throw new Finding(`verify.sh did not end: ${verified.error.message}`);
    if (verified.status === 0 && !isSame && name !== 'SHA256SUMS')
      throw new Finding(`verify.sh calls a changed ${name} sound`);
    if (verified.status !== 0 && isSame)
      throw new Finding(`verify.sh refuses a sound stick: ${verified.stderr}`);

    await fuzz.run(['diff', '--no-config', '--json', folder, from], stickCodes);
    await fuzz.make(
      ['update.delta'],
      [
        'delta',
        '--no-config',
        '--preset',
        '0',
        '--base',
        random.pick([folder, join(folder, 'bundle.json')]),
        '--from',
        from,
        '-o',
        sandbox.at('out/update.delta'),
      ],
      stickCodes,
    );
    const copy = sandbox.at('home/copy');
    mkdirSync(copy);
    const copied = await fuzz.run(
      ['copy', copy, '--from-mount', folder, '--allow-system-disk', '--quiet'],
      stickCodes,
    );
    if (copied.error !== undefined) return;
    if (!readFileSync(join(copy, 'images.tar.xz')).equals(bundle))
      throw new Finding('copy made a stick with another bundle, status 0');
    const listed = spawnSync('sha256sum', ['-c', '--quiet', 'SHA256SUMS'], { cwd: copy, encoding: 'utf8' });
    if (listed.status !== 0)
      throw new Finding(
        `copy made a stick that is not sound, status 0: ${listed.stderr}${readdirSync(copy).join()}`,
      );
  },
};

const stickCodes = new RegExp(
  `${sourceCodes.source}|^bundle-corrupt$|^source-failed$|^block-missing$|^output-failed$|^invalid-argument$`,
);
