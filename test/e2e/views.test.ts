/** Mounted views, read by the tools that they are for. */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  copyFile,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeImage, makeLayer } from '../../sample/make-image.mjs';
import { digestOf, hexOf } from '../../src/ground/digest.ts';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeLegacyArchive } from '../fixtures/write-legacy-archive.ts';
import { createLiveBench, type LiveBench } from '../support/live-bench.ts';
import { startContainerd } from '../product/stick/throwaway-containerd.ts';
import { startRegistry } from '../support/throwaway-registry.ts';
import { startEngine } from '../support/throwaway-engine.ts';
import { waitUntil } from '../mount/support/start-test-daemon.ts';

const run = promisify(execFile);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

interface MountedViews {
  readonly bench: LiveBench;
  readonly archive: string;
  readonly mountPoint: string;
}

async function mountViews(...options: string[]): Promise<MountedViews> {
  const bench = await createLiveBench();
  const archive = join(bench.folder, 'images.tar');
  await writeLegacyArchive(archive, await buildSampleImages());
  const mountPoint = await bench.mountPoint();
  await bench.runOk(['mount', '--from', archive, '--preset', '0', ...options, mountPoint]);
  return { bench, archive, mountPoint };
}

/** A mount of 80 MB of text, and what its `images.tar` should be; 48 MiB of it have room in memory. */
async function mountLargeImage(
  ...options: string[]
): Promise<{ readonly bench: LiveBench; readonly mountPoint: string; readonly wanted: Buffer }> {
  const bench = await createLiveBench();
  const archive = join(bench.folder, 'images.tar');
  const text = (number: number): Buffer => Buffer.alloc(1_000_000, `this is line ${number}\n`);
  const files = Array.from({ length: 8 }, (_, file) => ({
    name: `large/${file}`,
    content: Buffer.concat(Array.from({ length: 10 }, (_, part) => text(10 * file + part))),
  }));
  const image = makeImage({ name: 'large', tags: ['tiny/large:1'], layers: [await makeLayer(files)] });
  await writeLegacyArchive(archive, [image]);
  const mountPoint = await bench.mountPoint();
  const small = ['--preset', '0', '--view', 'images.tar', '--view-cache', '48M'];
  await bench.runOk(['mount', '--from', archive, ...small, ...options, mountPoint]);
  const { stdout } = await run('xz', ['-dc', join(mountPoint, 'images.tar.xz')], {
    encoding: 'buffer',
    maxBuffer: 2 ** 30,
  });
  return { bench, mountPoint, wanted: stdout };
}

/** Bytes on disk of the files without names that the process has open in `folder`. */
async function spilledSize(pid: number, folder: string): Promise<number> {
  let size = 0;
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const path = join(`/proc/${pid}/fd`, fd);
    const target = await readlink(path).catch(() => '');
    if (target.startsWith(`${folder}/`)) size += (await stat(path)).blocks * 512;
  }
  return size;
}

describe('mount --view', () => {
  it('shows all views beside a stick that stays as it is, read by tar, sha256sum and xz', async () => {
    const options = ['--view', 'images.tar', '--view', 'oci/', '--view', 'layers', '--view', 'images/'];
    const { bench, archive, mountPoint } = await mountViews(...options);
    const names = (await readdir(mountPoint)).sort();
    const stick = ['SHA256SUMS', 'bundle.json', 'images.tar.xz', 'index.html', 'load.sh', 'verify.sh'];
    expect(names).toEqual([...stick, 'images', 'images.tar', 'layers', 'oci'].sort());
    await run('sh', ['-c', 'xz -dc images.tar.xz | cmp - images.tar'], { cwd: mountPoint });
    const { stdout: listed } = await run('tar', ['tf', join(mountPoint, 'images.tar')]);
    expect(listed).toContain('manifest.json\n');
    await run('sha256sum', ['-c', '--quiet', 'SHA256SUMS'], { cwd: join(mountPoint, 'layers') });
    await run('sha256sum', ['-c', '--quiet', 'SHA256SUMS'], { cwd: mountPoint });
    await run('sh', [join(mountPoint, 'verify.sh')]);
    const single = join(bench.folder, 'web.tar.xz');
    await bench.runOk(['build', '--from', archive, '--preset', '0', 'tiny/web:*', '-o', single]);
    const images = await readdir(join(mountPoint, 'images'));
    const found = images.filter((name) => name.startsWith('tiny_web_'));
    expect(found).toHaveLength(1);
    expect(sha256(await readFile(join(mountPoint, 'images', found[0] ?? '')))).toBe(
      sha256(await readFile(single)),
    );
    const again = join(bench.folder, 'again.tar.xz');
    const from = `oci:${join(mountPoint, 'oci')}`;
    await bench.runOk(['build', '--from', from, '--preset', '0', '-o', again]);
    expect(sha256(await readFile(again))).toBe(sha256(await readFile(join(mountPoint, 'images.tar.xz'))));
  });

  it('gives four readers at odd places, through a small cache, what a plain file gives', async () => {
    const { bench, mountPoint } = await mountViews('--view', 'images.tar', '--view-cache', '48M');
    const plain = join(bench.folder, 'plain.tar');
    await run('sh', ['-c', `xz -dc images.tar.xz > ${plain}`], { cwd: mountPoint });
    const check = async (blockSize: number, skip: number): Promise<void> => {
      const sums = [join(mountPoint, 'images.tar'), plain].map(async (path) => {
        const command = `dd if=${path} bs=${blockSize} skip=${skip} status=none | sha256sum`;
        return (await run('sh', ['-c', command])).stdout;
      });
      const [seen, wanted] = await Promise.all(sums);
      expect(seen).toBe(wanted);
    };
    await Promise.all([check(4093, 7), check(65_537, 3), check(131_072, 1), check(1_000_003, 0)]);
  });

  it('reads back from disk what memory has no room for; nothing of it is left when the daemon is killed', async () => {
    const { bench, mountPoint, wanted } = await mountLargeImage();
    const partials = join(bench.folder, 'cache/v1/partial');
    const { pid } = await bench.status(mountPoint);
    await using reader = await open(join(mountPoint, 'images.tar'));
    const check = async (places: readonly number[]): Promise<void> => {
      for (const place of places) {
        const target = Buffer.alloc(5000);
        expect((await reader.read(target, 0, target.length, place)).bytesRead).toBe(target.length);
        expect(target.equals(wanted.subarray(place, place + target.length))).toBe(true);
      }
    };
    const places = Array.from({ length: 400 }, (_, index) => (index * 7_654_321) % (wanted.length - 5000));
    await check(places);
    await waitUntil('blocks are spilled', async () => (await spilledSize(pid, partials)) > 2 ** 23, {
      timeoutMs: 60_000,
    });
    await check(places);
    expect(await readdir(partials)).toEqual([]);
    process.kill(pid, 'SIGKILL');
    await waitUntil('it is dead', async () => (await bench.list())[0]?.state === 'dead', {
      timeoutMs: 60_000,
    });
    expect(await readdir(partials)).toEqual([]);
  }, 150_000);

  it('spills nothing with --view-spill 0', async () => {
    const { bench, mountPoint, wanted } = await mountLargeImage('--view-spill', '0');
    const { pid } = await bench.status(mountPoint);
    for (let round = 0; round < 2; round++) {
      const { stdout } = await run('sha256sum', [join(mountPoint, 'images.tar')]);
      expect(stdout.slice(0, 64)).toBe(sha256(wanted));
    }
    expect(await spilledSize(pid, join(bench.folder, 'cache/v1/partial'))).toBe(0);
  }, 150_000);

  it('shows the views of the next generation after a refresh; who has one open reads the old one to its end', async () => {
    const { bench, archive, mountPoint } = await mountViews('--view', 'images.tar', '--view', 'layers');
    const path = join(mountPoint, 'images.tar');
    const before = await readFile(path);
    const layers = new Set(await readdir(join(mountPoint, 'layers')));
    await using reader = await open(path);
    const start = Buffer.alloc(1000);
    await reader.read(start, { position: 0 });
    const next = join(bench.folder, 'next.tar');
    await writeLegacyArchive(next, await buildSampleImages({ revision: 2 }));
    await rename(next, archive);
    await bench.runOk(['refresh', mountPoint]);
    const after = await readFile(path);
    expect(sha256(after)).not.toBe(sha256(before));
    await run('sh', ['-c', 'xz -dc images.tar.xz | cmp - images.tar'], { cwd: mountPoint });
    const rest = Buffer.alloc(before.length - 1000);
    for (let done = 0; done < rest.length;) {
      const { bytesRead } = await reader.read(rest, { offset: done, position: 1000 + done });
      expect(bytesRead).toBeGreaterThan(0);
      done += bytesRead;
    }
    expect(sha256(Buffer.concat([start, rest]))).toBe(sha256(before));
    const shown = await readdir(join(mountPoint, 'layers'));
    expect(shown.some((name) => !layers.has(name))).toBe(true);
    const kept = shown.find((name) => layers.has(name) && name.endsWith('.tar')) ?? '';
    expect((await stat(join(mountPoint, 'layers', kept))).mtime.getUTCFullYear()).toBe(1980);
    await reader.close();
    await waitUntil(
      'the old generation is closed',
      async () => (await bench.status(mountPoint)).olderGenerations.length === 0,
      { timeoutMs: 30_000 },
    );
  });

  it('gives EIO for a damaged block, never wrong bytes', async () => {
    const { bench, mountPoint } = await mountViews('--view', 'images.tar');
    const folder = join(bench.folder, 'cache/v1/blocks');
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const bytes = await readFile(path);
      bytes.writeUInt8(bytes.readUInt8(16) ^ 1, 16);
      await writeFile(path, bytes);
    }
    await expect(readFile(join(mountPoint, 'images.tar'))).rejects.toMatchObject({ code: 'EIO' });
  });

  it('takes views from the project file, and says which there are', async () => {
    const bench = await createLiveBench();
    const archive = join(bench.folder, 'images.tar');
    await writeLegacyArchive(archive, await buildSampleImages());
    const mountPoint = await bench.mountPoint();
    const project = join(bench.folder, 'bundlefs.yaml');
    await writeFile(
      project,
      'from: images.tar\npreset: 0\nstick: { views: [oci], viewCache: 64M, viewSpill: 1G }\n',
    );
    await bench.runOk(['mount', '--config', project, mountPoint]);
    expect(await readdir(mountPoint)).toContain('oci');
    const unknown = await bench.run(['mount', '--view', 'ocy', mountPoint]);
    expect([unknown.status, unknown.stderr]).toEqual([2, expect.stringContaining('images.tar.zst, oci/')]);
    for (const option of ['--view-cache', '--view-spill']) {
      const unused = await bench.run(['mount', '--no-config', '--view', 'images', option, '1G', mountPoint]);
      expect([unused.status, unused.stderr]).toEqual([2, expect.stringContaining(`Cannot use ${option}`)]);
    }
    const small = await bench.run(['mount', '--view-cache', '1M', mountPoint]);
    expect([small.status, small.stderr]).toEqual([2, expect.stringContaining('48M')]);
    for (const wrong of ['viewCache: 1M', 'viewSpill: much']) {
      await writeFile(project, `stick: { ${wrong} }\n`);
      expect((await bench.run(['mount', '--config', project, mountPoint])).status).toBe(2);
    }
    expect((await bench.run(['mount', '--view-spill', 'much', mountPoint])).status).toBe(2);
  });
});

describe('the view images.tar', () => {
  it('is imported by containerd, which reads no xz', async () => {
    await using containerd = await startContainerd();
    const { mountPoint } = await mountViews('--view', 'images.tar');
    await containerd.ctr('-n', 'k8s.io', 'images', 'import', join(mountPoint, 'images.tar'));
    const listed = await containerd.ctr('-n', 'k8s.io', 'images', 'ls', '-q');
    expect(listed).toContain('docker.io/tiny/web:');
  });
});

/** Podman with a store of its own below `folder`. */
function podmanIn(folder: string): (...args: readonly string[]) => Promise<string> {
  const own = ['--root', join(folder, 'r'), '--runroot', join(folder, 'rr'), '--storage-driver', 'vfs'];
  return async (...args) => (await run('podman', [...own, '--events-backend', 'none', ...args])).stdout;
}

describe('the view images/', () => {
  it('is a bundle an image, each of which docker and podman load and skopeo copies, and nothing else with it', async () => {
    const { bench, mountPoint } = await mountViews('--view', 'images/');
    const podman = podmanIn(bench.folder);
    await using engine = await startEngine();
    for (const { tags, config, layers } of await buildSampleImages()) {
      const [tag = ''] = tags;
      const file = join(mountPoint, 'images', `${tag.replace(/[/:]/g, '_')}.tar.xz`);
      const id = digestOf(config);
      const diffIds = layers.map((layer) => digestOf(layer));
      await engine.docker('load', '-q', '-i', file);
      const listed = (
        await engine.docker('images', '--no-trunc', '--format', '{{.Repository}}:{{.Tag}} {{.ID}}')
      ).trim();
      expect(listed.split('\n').sort()).toEqual(tags.map((name) => `${name} ${id}`).sort());
      expect(JSON.parse(await engine.docker('inspect', '-f', '{{json .RootFS.Layers}}', tag))).toEqual(
        diffIds,
      );
      await engine.docker('create', tag, '/none');
      await engine.docker('rm', (await engine.docker('ps', '-aq')).trim());
      await engine.docker('rmi', '-f', id);
      // Straight from the mount they would read it byte by byte, each from the daemon: docs/views.md.
      const copied = join(bench.folder, basename(file));
      await copyFile(file, copied);
      await podman('load', '-q', '-i', copied);
      const found = JSON.parse(await podman('image', 'inspect', hexOf(id))) as {
        RootFS: { Layers: string[] };
      }[];
      expect(found.map(({ RootFS }) => RootFS.Layers)).toEqual([diffIds]);
      await podman('create', hexOf(id), '/none');
      await run('skopeo', [
        '--insecure-policy',
        'copy',
        '-q',
        `docker-archive:${copied}:${tag}`,
        `dir:${bench.folder}/${hexOf(id)}`,
      ]);
    }
  }, 300_000);
});

describe('the view oci/', () => {
  it('is pulled by podman, copied by skopeo, and loaded by docker from the archive that skopeo makes of it', async () => {
    const { bench, mountPoint } = await mountViews('--view', 'oci');
    const podman = podmanIn(bench.folder);
    await using engine = await startEngine();
    // Podman calls what it pulls from a layout after its path, which must be in small letters then.
    const layout = `/tmp/bfs-${randomBytes(8).toString('hex')}`;
    await symlink(join(mountPoint, 'oci'), layout);
    onTestFinished(() => rm(layout));
    for (const { tags, config, layers } of await buildSampleImages()) {
      const [tag = ''] = tags;
      const from = `oci:${layout}:${tag}`;
      const id = hexOf(digestOf(config));
      expect((await podman('pull', '-q', from)).trim()).toBe(id);
      expect(await podman('image', 'inspect', '--format', '{{json .RootFS.Layers}}', id)).toBe(
        `${JSON.stringify(layers.map((layer) => digestOf(layer)))}\n`,
      );
      await podman('create', id, '/none');
      const archive = join(bench.folder, `${id}.tar`);
      await run('skopeo', ['--insecure-policy', 'copy', '-q', from, `docker-archive:${archive}:${tag}`]);
      await engine.docker('load', '-q', '-i', archive);
      expect((await engine.docker('inspect', '-f', '{{.Id}}', tag)).trim()).toBe(`sha256:${id}`);
      await engine.docker('create', tag, '/none');
    }
  }, 300_000);

  it('is copied into the store of podman by skopeo, under the name of docker', async () => {
    const { bench, mountPoint } = await mountViews('--view', 'oci');
    const podman = podmanIn(bench.folder);
    const store = `[vfs@${join(bench.folder, 'r')}+${join(bench.folder, 'rr')}]`;
    const from = `oci:${join(mountPoint, 'oci')}:tiny/web:1.0`;
    const to = `containers-storage:${store}docker.io/tiny/web:1.0`;
    await run('skopeo', ['--insecure-policy', 'copy', '-q', from, to]);
    const [web] = await buildSampleImages();
    const found = await podman('images', '--no-trunc', '--format', '{{.Repository}}:{{.Tag}} {{.Id}}');
    expect(found.trim()).toBe(`docker.io/tiny/web:1.0 ${hexOf(digestOf(web?.config ?? Buffer.alloc(0)))}`);
  }, 300_000);

  it('is copied to a registry by skopeo, which sends nothing that is there', async () => {
    await using registry = await startRegistry();
    const { bench, mountPoint } = await mountViews('--view', 'oci');
    const { host } = registry;
    // A home of its own for each copy: skopeo remembers which blobs a registry has.
    const copy = async (image: string, target: string, home: string): Promise<readonly string[]> => {
      const args = ['copy', '-q', '--preserve-digests', '--dest-tls-verify=false'];
      const env = { ...process.env, HOME: join(bench.folder, home), XDG_RUNTIME_DIR: bench.folder };
      const [from, to] = [`oci:${join(mountPoint, 'oci')}:${image}`, `docker://${host}/${target}`];
      await run('skopeo', [...args, '--dest-no-creds', from, to], { env });
      return registry.takeRequests();
    };
    const sent = (requests: readonly string[]): number =>
      requests.filter((request) => /^(PATCH|POST) /.test(request)).length;
    const index = JSON.parse(await readFile(join(mountPoint, 'oci/index.json'), 'utf8')) as {
      manifests: { digest: string; annotations: Record<string, string> }[];
    };
    const [first, ...others] = index.manifests;
    if (first === undefined) throw new TypeError('There is no image');
    const names = new Map(
      [first, ...others].map(({ digest, annotations }) => [
        digest,
        annotations['org.opencontainers.image.ref.name'] ?? '',
      ]),
    );
    const [one = '', two = ''] = [...names.values()];
    const whole = await copy(one, 'shop:one', 'a');
    expect(sent(whole)).toBeGreaterThan(0);
    const again = await copy(one, 'shop:again', 'b');
    expect(sent(again)).toBe(0);
    expect(again.filter((request) => request.startsWith('HEAD '))).not.toEqual([]);
    // Another image of the same base: its shared layers are asked for, and not sent.
    const manifest = async (digest: string): Promise<string[]> => {
      const path = join(mountPoint, 'oci/blobs/sha256', digest.slice('sha256:'.length));
      const { layers } = JSON.parse(await readFile(path, 'utf8')) as { layers: { digest: string }[] };
      return [...new Set(layers.map((layer) => layer.digest))];
    };
    const [firstDigest = '', secondDigest = ''] = [...names.keys()];
    const known = await manifest(firstDigest);
    const fresh = (await manifest(secondDigest)).filter((digest) => !known.includes(digest));
    expect(fresh.length).toBeLessThan((await manifest(secondDigest)).length);
    const posts = (await copy(two, 'shop:two', 'c')).filter((request) => request.startsWith('POST '));
    expect(posts).toHaveLength(fresh.length + 1); // and its config
    const digests = await run('skopeo', ['inspect', '--tls-verify=false', `docker://${host}/shop:one`]);
    expect((JSON.parse(digests.stdout) as { Digest: string }).Digest).toBe(firstDigest);
  });
});
