/**
 * Squashes an image with a file of 9 GiB, which no plain tar header can say, and compares that file byte by byte after an
 * engine has loaded it. Takes some minutes and 30 GB of disk, root and dockerd: `npm run bench:large`, not a part of the tests.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, hexOf } from '../src/ground/digest.ts';
import { startEngine } from '../test/support/throwaway-engine.ts';
import { measure } from './measure.ts';
import { bundlefs } from './setting.ts';

/** Where something else than zeros stands: on either side of what 32 and 33 bits can count. */
const marks = [0, 2 ** 32 - 3, 2 ** 33 - 3, 2 ** 33 + 2 ** 20];

const work = mkdtempSync('/var/tmp/bundlefs-large-');
try {
  const file = makeFile();
  const archive = makeArchive();
  const squash = measure(
    `cd ${work} && tar -cf - ${archive.join(' ')} | ${bundlefs} squash large:1 --from - -t large:flat -o flat.tar.xz --cache ${work}/cache --preset 0 --no-config`,
  );
  console.log(squash.output);
  await using engine = await startEngine();
  await engine.docker('load', '-q', '-i', join(work, 'flat.tar.xz'));
  const id = (await engine.docker('create', 'large:flat', '/none')).trim();
  const names = measure(`docker -H ${engine.host} export ${id} | tar -t folder`).output.trim().split('\n');
  if (names.join() !== 'folder/,folder/large,folder/new') throw new Error(`It shows ${names.join()}`);
  measure(`docker -H ${engine.host} export ${id} | tar -xO folder/large | cmp - ${file}`);
  const { wallSeconds, cpuSeconds, memoryMiB } = squash;
  console.log(
    `9 GiB in one file: the same after docker load. squash: ${wallSeconds.toFixed(0)} s, ${cpuSeconds.toFixed(0)} s of CPU, ${memoryMiB.toFixed(0)} MiB`,
  );
} finally {
  rmSync(work, { recursive: true, force: true });
}

function makeFile(): string {
  const folder = join(work, 'root/folder');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'large');
  execFileSync('truncate', ['-s', String(9 * 2 ** 30 + 12_345), path]);
  for (const [index, position] of marks.entries()) {
    const options = [`of=${path}`, 'bs=1', `seek=${position}`, 'conv=notrunc', 'status=none'];
    execFileSync('dd', options, { input: `mark ${index}` });
  }
  writeFileSync(join(folder, 'old'), 'old');
  return path;
}

/** The members of a docker archive, in `work`: the large file is in the lower of two layers. */
function makeArchive(): string[] {
  const layers = [pack('lower', 'root', 'folder')];
  const upper = join(work, 'upper/folder');
  mkdirSync(upper, { recursive: true });
  writeFileSync(join(upper, '.wh.old'), '');
  writeFileSync(join(upper, 'new'), 'new');
  layers.push(pack('upper', 'upper', 'folder'));
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Cmd: ['/none'] },
      rootfs: { type: 'layers', diff_ids: layers.map(({ hex }) => `sha256:${hex}`) },
    }),
  );
  const configName = `${hexOf(digestOf(config))}.json`;
  writeFileSync(join(work, configName), config);
  const names = layers.map(({ name }) => name);
  writeFileSync(
    join(work, 'manifest.json'),
    JSON.stringify([{ Config: configName, RepoTags: ['large:1'], Layers: names }]),
  );
  return ['manifest.json', configName, ...names];
}

function pack(name: string, from: string, what: string): { readonly name: string; readonly hex: string } {
  const options = '--format=posix --sort=name --numeric-owner --owner=0 --group=0 --mtime=@1600000000';
  const { output } = measure(
    `cd ${work} && tar ${options} -C ${from} -cf ${name}.tar ${what} && sha256sum ${name}.tar`,
  );
  return { name: `${name}.tar`, hex: output.slice(0, 64) };
}
