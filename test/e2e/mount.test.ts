import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeImage } from '../../sample/make-image.mjs';
import { packMembers } from '../fixtures/pack-members.ts';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeLegacyArchive } from '../fixtures/write-legacy-archive.ts';
import { type CliResult, programPath, runCli, runCliOk } from '../support/run-cli.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

const run = promisify(execFile);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

interface MountedBundle {
  readonly folder: string;
  readonly cache: string;
  readonly archive: string;
  readonly mountPoint: string;
  /** images.tar.xz in the mount, and the file that build wrote. */
  readonly mounted: string;
  readonly built: string;
}

/** A bundle of about `scale` MB of layers, mounted by the program and built by it. */
async function mountBundle(scale: number, ...options: string[]): Promise<MountedBundle> {
  const folder = await makeTempFolder();
  const cache = join(folder, 'cache');
  const archive = join(folder, 'images.tar');
  const mountPoint = join(folder, 'mnt');
  const built = join(folder, 'built.tar.xz');
  await mkdir(mountPoint);
  await writeLegacyArchive(archive, await buildSampleImages({ scale }));
  const common = ['--from', archive, '--cache', cache, '--preset', '0'];
  await runCliOk(['mount', ...common, ...options, mountPoint], {
    env: { XDG_STATE_HOME: join(folder, 'state') },
  });
  onTestFinished(async () => {
    await runCli(['unmount', '--lazy', mountPoint]);
  });
  await runCliOk(['build', ...common, '-o', built]);
  return { folder, cache, archive, mountPoint, mounted: join(mountPoint, 'images.tar.xz'), built };
}

function unmount(mountPoint: string, ...options: string[]): Promise<CliResult> {
  return runCli(['unmount', ...options, mountPoint]);
}

/** Flips a bit of every block. */
async function damageBlocks(cache: string): Promise<void> {
  const entries = await readdir(join(cache, 'v1/blocks'), { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((found) => found.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    bytes.writeUInt8(bytes.readUInt8(16) ^ 1, 16);
    await writeFile(path, bytes);
  }
}

describe('bundlefs mount', () => {
  it('shows the bytes that build writes, and their sum', async () => {
    const { folder, mountPoint, mounted, built } = await mountBundle(10);
    const files = ['SHA256SUMS', 'bundle.json', 'images.tar.xz', 'index.html', 'load.sh', 'verify.sh'];
    expect((await readdir(mountPoint)).sort()).toEqual(files);
    await run('cp', [mounted, join(folder, 'copy')]);
    expect(sha256(await readFile(join(folder, 'copy')))).toBe(sha256(await readFile(built)));
    const [seen, real] = [await stat(mounted), await stat(built)];
    expect(seen.size).toBe(real.size);
    expect(seen.blocks).toBe(Math.ceil(real.size / 512));
    await run('cp', ['-r', `${mountPoint}/.`, join(folder, 'stick')]);
    const checked = await run('sha256sum', ['-c', 'SHA256SUMS'], { cwd: join(folder, 'stick') });
    expect(checked.stdout.trim().split('\n').sort()).toEqual(
      files.filter((name) => name !== 'SHA256SUMS').map((name) => `${name}: OK`),
    );
    await run('sh', [join(folder, 'stick/verify.sh')]);
    await run('xz', ['-t', mounted]);
    await run('tar', ['-Scf', join(folder, 'sparse.tar'), '-C', mountPoint, 'images.tar.xz']);
    await run('bash', ['-c', `tar -xOf ${folder}/sparse.tar | cmp - ${built}`]);
    expect((await unmount(mountPoint)).status).toBe(0);
    expect(await readdir(mountPoint)).toEqual([]);
  });

  it('shows the archive in parts that --max-file-size allows, read natively and joined by their names', async () => {
    const { folder, mountPoint, built } = await mountBundle(40, '--max-file-size', '8M');
    const names = (await readdir(mountPoint)).filter((name) => name.startsWith('images.'));
    expect(names.length).toBeGreaterThan(1);
    expect(names).toEqual(names.map((_, index) => `images.tar.xz.${String(index + 1).padStart(3, '0')}`));
    for (const name of names)
      expect((await stat(join(mountPoint, name))).size).toBeLessThanOrEqual(8 * 2 ** 20);
    await run('cp', ['-r', `${mountPoint}/.`, join(folder, 'stick')]);
    const parts = await Promise.all(names.map((name) => readFile(join(folder, 'stick', name))));
    expect(sha256(Buffer.concat(parts))).toBe(sha256(await readFile(built)));
    await run('sh', [join(folder, 'stick/verify.sh')]);
    const again = await runCli(['mount', '--max-file-size', '8Q', mountPoint]);
    expect(again.status).toBe(2);
    expect(again.stderr).toContain('powers of 1024');
    const both = await runCli(['mount', '--max-file-size', '8M', '--media', 'cd', mountPoint]);
    expect(both.status).toBe(2);
  });

  it('serves four readers at once, at odd offsets, while another bundle is being built', async () => {
    const { folder, cache, mounted, built } = await mountBundle(20);
    const other = join(folder, 'other.tar');
    await writeLegacyArchive(other, await buildSampleImages({ revision: 4, scale: 20 }));
    const building = runCliOk([
      'build',
      '--from',
      other,
      '-o',
      join(folder, 'other.xz'),
      '--cache',
      cache,
      '--preset',
      '1',
    ]);
    const readers = [1, 4093, 65_537, 131_072].map(async (blockSize, index) => {
      const skip = index * 7 + 1;
      const command = (path: string): string =>
        blockSize === 1
          ? `tail -c +12346 ${path} | sha256sum`
          : `dd if=${path} bs=${blockSize} skip=${skip} status=none | sha256sum`;
      const [seen, wanted] = await Promise.all(
        [mounted, built].map((path) => run('bash', ['-c', command(path)])),
      );
      expect(seen?.stdout).toBe(wanted?.stdout);
    });
    await Promise.all(readers);
    await building;
  });

  it('refuses to unmount while somebody copies; --lazy lets the copy end with the right bytes', async () => {
    const { folder, mountPoint, mounted, built } = await mountBundle(10);
    const copy = spawn('bash', ['-c', `exec 3<${mounted}; echo open; read _; cat <&3 >${folder}/copy`], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(copy.stdout, 'data');
    const refused = await unmount(mountPoint);
    expect(refused.status).toBe(8);
    expect(refused.stderr).toContain('bash');
    expect((await unmount(mountPoint, '--lazy')).status).toBe(0);
    expect(await readdir(mountPoint)).toEqual([]);
    copy.stdin.end('\n');
    await once(copy, 'exit');
    expect(sha256(await readFile(join(folder, 'copy')))).toBe(sha256(await readFile(built)));
  });

  it('gives EIO for a block that is damaged on disk, never wrong bytes, and the next mount heals it', async () => {
    const { cache, archive, mountPoint, mounted, built, folder } = await mountBundle(4);
    await damageBlocks(cache);
    await expect(readFile(mounted)).rejects.toMatchObject({ code: 'EIO' });
    expect((await unmount(mountPoint)).status).toBe(0);
    await runCliOk(['mount', '--from', archive, '--cache', cache, '--preset', '0', mountPoint], {
      env: { XDG_STATE_HOME: join(folder, 'state') },
    });
    expect(sha256(await readFile(mounted))).toBe(sha256(await readFile(built)));
  });

  it('notices damage to a block that it has read before, and serves it again when a build has healed it', async () => {
    const { cache, archive, mounted, built, folder } = await mountBundle(4);
    const wanted = sha256(await readFile(built));
    expect(sha256(await readFile(mounted))).toBe(wanted);
    const files = await readdir(join(cache, 'v1/blocks'), { recursive: true, withFileTypes: true });
    const sizes = files.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    for (const path of sizes) {
      await run('dd', [
        `of=${path}`,
        'if=/dev/zero',
        'bs=1',
        'seek=30',
        'count=8',
        'conv=notrunc',
        'status=none',
      ]);
    }
    await expect(readFile(mounted)).rejects.toMatchObject({ code: 'EIO' });
    await runCliOk([
      'build',
      '--from',
      archive,
      '--cache',
      cache,
      '--preset',
      '0',
      '-o',
      join(folder, 'again'),
    ]);
    expect(sha256(await readFile(mounted))).toBe(wanted);
  });

  it('recovers the mount point of a daemon that was killed, and refuses one that is in use', async () => {
    const { cache, archive, mountPoint, folder, mounted, built } = await mountBundle(1);
    const again = ['mount', '--from', archive, '--cache', cache, '--preset', '0', mountPoint];
    const env = { XDG_STATE_HOME: join(folder, 'state') };
    const busy = await runCli(again, { env });
    expect(busy.status).toBe(8);
    await run('pkill', ['-9', '-f', `mount-daemon.*${mountPoint}|bundlefs mount ${mountPoint}`]);
    await sleep(200);
    await runCliOk(again, { env });
    expect(sha256(await readFile(mounted))).toBe(sha256(await readFile(built)));
  });

  it('leaves no daemon behind where the bundle cannot be made', async () => {
    const folder = await makeTempFolder();
    const mountPoint = join(folder, 'mnt');
    await mkdir(mountPoint);
    const args = ['mount', '--from', join(folder, 'absent.tar'), mountPoint];
    const result = await runCli(args, {
      cache: join(folder, 'cache'),
      env: { XDG_STATE_HOME: join(folder, 'state') },
    });
    expect(result.status).toBe(5);
    await expect(
      run('pgrep', ['-f', `mount-daemon.*${mountPoint}|mount ${mountPoint}`]),
    ).rejects.toMatchObject({
      code: 1,
    });
  });

  it('trusts a check of blocks for as long as nobody touches them, and checks them again then', async () => {
    const { cache, archive, mountPoint, folder, mounted, built } = await mountBundle(4);
    const again = ['mount', '--from', archive, '--cache', cache, '--preset', '0', mountPoint];
    const env = { XDG_STATE_HOME: join(folder, 'state') };
    const wanted = sha256(await readFile(built));
    const known = join(folder, 'state/bundlefs/known');
    const [ofCache = ''] = await readdir(known);
    const check = join(known, ofCache, 'checks');
    const kept = await readFile(check, 'utf8');
    for (const damage of [false, true]) {
      expect((await unmount(mountPoint)).status).toBe(0);
      if (damage) await damageBlocks(cache);
      await runCliOk(again, { env });
      expect(sha256(await readFile(mounted))).toBe(wanted);
      const now = await readFile(check, 'utf8');
      expect(now === kept).toBe(!damage);
    }
  });

  it('serves a thousand blocks with few files open', async () => {
    const folder = await makeTempFolder();
    const archive = join(folder, 'images.tar');
    const mountPoint = join(folder, 'mnt');
    await mkdir(mountPoint);
    const images = await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        const layers = Array.from({ length: 100 }, (_, layer) =>
          packMembers([{ name: `file-${index}`, content: `layer ${layer} `.repeat(10 + layer) }]),
        );
        return makeImage({
          name: `many${index}`,
          tags: [`tiny/many${index}:1`],
          layers: await Promise.all(layers),
        });
      }),
    );
    await writeLegacyArchive(archive, images);
    const common = ['--from', archive, '--cache', join(folder, 'cache'), '--preset', '0'];
    const report = await runCliOk(['build', ...common, '-o', join(folder, 'built'), '--json']);
    expect(
      (JSON.parse(report.stdout.toString()) as { blocks: { total: number } }).blocks.total,
    ).toBeGreaterThan(1000);
    const limited = ['-c', 'ulimit -n 128; exec "$@"', 'bash', programPath, 'mount', ...common, mountPoint];
    await run('bash', limited, { env: { ...process.env, XDG_STATE_HOME: join(folder, 'state') } });
    onTestFinished(async () => {
      await runCli(['unmount', '--lazy', mountPoint]);
    });
    expect(sha256(await readFile(join(mountPoint, 'images.tar.xz')))).toBe(
      sha256(await readFile(join(folder, 'built'))),
    );
  });

  it('serves in the foreground until it is told to stop', async () => {
    const folder = await makeTempFolder();
    const archive = join(folder, 'images.tar');
    const mountPoint = join(folder, 'mnt');
    await mkdir(mountPoint);
    await writeLegacyArchive(archive, await buildSampleImages());
    const args = ['mount', '--from', archive, '--preset', '0', '--foreground', mountPoint];
    let seen: string[] = [];
    const result = await runCli(args, {
      cache: join(folder, 'cache'),
      onStart(child) {
        child.stdout?.once('data', () => {
          void readdir(mountPoint).then((names) => {
            seen = names;
            child.kill('SIGTERM');
          });
        });
      },
    });
    expect(seen).toContain('images.tar.xz');
    expect(result.status).toBe(0);
    expect(await readdir(mountPoint)).toEqual([]);
  });
});
