import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildOddImages, buildSampleImages } from '../../fixtures/sample-images.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { makeStick } from './make-stick.ts';
import { runScript, type RunScriptOptions, type ScriptResult } from './run-script.ts';
import { startContainerd } from './throwaway-containerd.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bfs-'));
  const odd = await buildOddImages();
  await makeStick(join(folder, 'first'), [...(await buildSampleImages()), ...odd]);
  await makeStick(join(folder, 'second'), [...(await buildSampleImages({ revision: 2 })), ...odd], {
    partCount: 2,
  });
}, 180_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const load = (name: string, args: readonly string[], options: RunScriptOptions): Promise<ScriptResult> =>
  runScript(join(folder, name, 'load.sh'), args, options);

describe('load.sh --to podman', () => {
  it.each(['dash', 'busybox'] as const)(
    'adds, finds again, replaces and keeps, under %s',
    async (shell) => {
      const home = await makeTempFolder();
      const configuration = join(home, 'storage.conf');
      await writeFile(
        configuration,
        `[storage]\ndriver = "vfs"\ngraphroot = "${join(home, 'r')}"\nrunroot = "${join(home, 'rr')}"\n`,
      );
      const options = { shell, engines: ['podman'], env: { CONTAINERS_STORAGE_CONF: configuration } };
      // podman is the first that answers.
      const added = await load('first', [], options);
      expect(added.status, added.said).toBe(0);
      expect(added.said).toContain('Loading into podman');
      expect(added.said).toContain('Done: 10 image names are there');
      const again = await load('first', ['--to', 'podman'], options);
      expect(again.status, again.said).toBe(0);
      expect(again.said).toContain('There is nothing to do');
      const replaced = await load('second', ['--keep-replaced'], options);
      expect(replaced.status, replaced.said).toBe(0);
      expect(replaced.said.match(/REPLACE/g)).toHaveLength(1);
      expect(replaced.said).toMatch(
        /To go back: podman tag docker\.io\/tiny\/web:before-\d{8}-\d{6} docker\.io\/tiny\/web:latest/,
      );
      expect([...added.left, ...again.left, ...replaced.left]).toEqual([]);
    },
    240_000,
  );
});

describe('load.sh --to ctr', () => {
  it.each(['dash', 'busybox'] as const)(
    'adds, finds again, replaces and keeps, under %s',
    async (shell) => {
      await using containerd = await startContainerd();
      const options = { shell, engines: ['ctr'] };
      const args = ['--to', 'ctr', '--host', containerd.address, '--namespace', 'k8s.io'];
      const added = await load('first', args, options);
      expect(added.status, added.said).toBe(0);
      expect(added.said).toContain('ctr keeps no images without a name');
      expect(added.said).toContain('Done: 9 image names are there');
      expect(await containerd.ctr('-n', 'k8s.io', 'images', 'ls', '-q')).toContain(
        'docker.io/tiny/web:latest',
      );
      const again = await load('first', args, options);
      expect(again.status, again.said).toBe(0);
      expect(again.said).toContain('There is nothing to do');
      const replaced = await load('second', [...args, '--keep-replaced'], options);
      expect(replaced.status, replaced.said).toBe(0);
      expect(replaced.said.match(/REPLACE/g)).toHaveLength(1);
      expect(await containerd.ctr('-n', 'k8s.io', 'images', 'ls', '-q')).toMatch(
        /tiny\/web:before-\d{8}-\d{6}/,
      );
      expect([...added.left, ...again.left, ...replaced.left]).toEqual([]);
    },
    240_000,
  );

  it('finds and mends an image whose content is gone though it is listed', async () => {
    await using containerd = await startContainerd();
    const options = { engines: ['ctr'] };
    const args = ['--to', 'ctr', '--host', containerd.address, '--namespace', 'lab'];
    expect((await load('first', args, options)).status).toBe(0);
    const check = await containerd.ctr('-n', 'lab', 'images', 'check', 'name==docker.io/tiny/db:5');
    expect(check).toContain('complete (3/3)');
    const manifest = JSON.parse(
      await containerd.ctr('-n', 'lab', 'content', 'get', /sha256:[0-9a-f]{64}/.exec(check)?.[0] ?? ''),
    ) as { layers: { digest: string }[] };
    await containerd.ctr('-n', 'lab', 'content', 'rm', manifest.layers[1]?.digest ?? '');
    const { status, said } = await load('first', args, options);
    expect(status, said).toBe(0);
    expect(said).toContain('BROKEN   docker.io/tiny/db:5');
    expect(said).toContain('Not all can be used, so they are loaded again');
    expect(said).toContain('Done: 9 image names are there');
  }, 240_000);

  it('refuses where nothing unpacks xz, for containerd does not', async () => {
    await using containerd = await startContainerd();
    const { status, said } = await load('first', ['--to', 'ctr', '--host', containerd.address], {
      engines: ['ctr'],
      without: ['xz'],
    });
    expect(status, said).toBe(3);
    expect(said).toContain('it cannot read xz');
    expect(await readdir(folder)).not.toContain('images.tar');
  });
});
