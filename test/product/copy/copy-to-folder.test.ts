import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type CopyResult,
  copyToFolder,
  type CopyToFolderOptions,
  holdTarget,
} from '../../../src/product/copy/copy-to-folder.ts';
import type { CopySource } from '../../../src/product/copy/copy-source.ts';
import { type CopyPlan, planCopy } from '../../../src/product/copy/plan-copy.ts';
import { type Digest, digestOf } from '../../../src/ground/digest.ts';
import { surveyTarget } from '../../../src/product/copy/survey-target.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { makeLoopDisk } from './loop-disk.ts';
import { interruptAt, randomBytes, sketchSource } from './sketch-source.ts';

const mib = 2 ** 20;

async function copy(
  source: CopySource,
  folder: string,
  options: CopyToFolderOptions = {},
): Promise<CopyResult & { readonly plan: CopyPlan }> {
  await using held = await holdTarget(folder);
  const survey = await surveyTarget(folder);
  const plan = await planCopy(source, folder, survey);
  return { ...(await copyToFolder(held, survey, plan, options)), plan };
}

/** Digests by name: of what lies in `folder` … */
async function readFiles(folder: string): Promise<Record<string, Digest>> {
  const names = (await readdir(folder)).filter((name) => name !== 'lost+found').sort();
  const files = await Promise.all(
    names.map(async (name) => [name, digestOf(await readFile(join(folder, name)))] as const),
  );
  return Object.fromEntries(files);
}

/** … and of what should. */
function readSource({ files }: CopySource): Record<string, Digest> {
  return Object.fromEntries(
    files.map(({ name, digest }) => [name, digest] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

const sizeOf = (source: CopySource): number =>
  source.files.reduce((sum, { content }) => sum + content.size, 0);

describe('copyToFolder', () => {
  it('goes on behind what was on the device when it was pulled out, and reads that back first', async () => {
    const disk = await makeLoopDisk(256 * mib);
    const source = sketchSource({ 'images.tar.xz': randomBytes(150 * mib, 'a') });
    const folder = join(disk.folder, 'shop');
    const pulled = interruptAt(source, 'images.tar.xz', 120 * mib, () => {
      disk.pullOut();
    });
    await expect(copy(pulled, folder)).rejects.toMatchObject({
      code: 'output-failed',
      message: expect.stringContaining('the device does not answer any more') as string,
    });
    disk.putIn();
    const left = await readdir(folder);
    expect(left.sort()).toEqual(['.bundlefs-copy', '.images.tar.xz.partial']);
    const { writtenSize, resumedSize, readKind } = await copy(source, folder);
    expect(resumedSize).toBeGreaterThanOrEqual(64 * mib);
    expect(writtenSize).toBe(sizeOf(source) - resumedSize);
    expect(readKind).toBe('direct');
    expect(await readFiles(folder)).toEqual(readSource(source));
  });

  it('takes over of a half-written file only what is right', async () => {
    const disk = await makeLoopDisk(64 * mib);
    const bytes = randomBytes(21 * mib, 'a');
    const source = sketchSource({ 'images.tar.xz': bytes });
    const wrong = Buffer.from(bytes.subarray(0, 18 * mib));
    wrong.writeUInt8(wrong.readUInt8(9 * mib) ^ 1, 9 * mib);
    await writeFile(join(disk.folder, '.images.tar.xz.partial'), wrong);
    const { resumedSize } = await copy(source, disk.folder);
    expect(resumedSize).toBe(8 * mib);
    expect(await readFiles(disk.folder)).toEqual(readSource(source));
  });

  it('finds out that the device has other bytes than were written, and puts nothing in place', async () => {
    const disk = await makeLoopDisk(64 * mib);
    const first = randomBytes(5 * mib, 'a');
    const second = randomBytes(5 * mib, 'b');
    const source = sketchSource({ 'images.tar.xz.001': first, 'images.tar.xz.002': second });
    let isBroken = false;
    const copying = copy(source, disk.folder, {
      onProgress: (phase) => {
        if (phase !== 'checking' || isBroken) return;
        isBroken = true;
        breakBytes(disk.image, second.subarray(3 * mib, 3 * mib + 4096));
      },
    });
    await expect(copying).rejects.toMatchObject({
      code: 'output-corrupt',
      message: expect.stringContaining(`from ${3 * mib} on`) as string,
    });
    expect(await readdir(disk.folder)).not.toContain('SHA256SUMS');
    const { writtenSize } = await copy(source, disk.folder);
    expect(writtenSize).toBe(5 * mib); // the second, from its first chunk on; the rest was right
    expect(await readFiles(disk.folder)).toEqual(readSource(source));
  });

  it('keeps, renumbers, writes and removes parts by their content, and nothing else', async () => {
    const disk = await makeLoopDisk(64 * mib);
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((seed) => randomBytes(mib + 7, seed)) as [
      Buffer,
      Buffer,
      Buffer,
      Buffer,
    ];
    const name = (index: number): string => `images.tar.xz.00${index}`;
    const old = sketchSource({ [name(1)]: a, [name(2)]: b, [name(3)]: c, [name(4)]: d, [name(5)]: d }, 'old');
    await copy(old, disk.folder);
    await writeFile(join(disk.folder, 'holiday.jpg'), 'mine');
    await writeFile(join(disk.folder, 'images.tar.xz.009'), 'mine as well');
    const next = sketchSource(
      { [name(1)]: a, [name(2)]: c, [name(3)]: b, [name(4)]: randomBytes(mib, 'e') },
      'new',
    );
    const { plan, writtenSize } = await copy(next, disk.folder);
    const kinds = plan.files.slice(0, 4).map((file) => [file.kind, 'from' in file ? file.from : '']);
    expect(kinds).toEqual([
      ['keep', ''],
      ['move', name(3)],
      ['move', name(2)],
      ['write', ''],
    ]);
    expect(plan.stale).toEqual([name(5)]);
    expect(writtenSize).toBe(mib + sizeOf(next) - 4 * mib - 3 * 7);
    expect(await readFiles(disk.folder)).toEqual({
      ...readSource(next),
      'holiday.jpg': digestOf(Buffer.from('mine')),
      'images.tar.xz.009': digestOf(Buffer.from('mine as well')),
    });
    expect((await copy(next, disk.folder)).writtenSize).toBe(0);
  });

  it('writes a file anew that is damaged on the stick, though its size and time are right', async () => {
    const folder = await makeTempFolder();
    const source = sketchSource({ 'images.tar.xz': randomBytes(mib, 'a') });
    await copy(source, folder);
    const file = await open(join(folder, 'images.tar.xz'), 'r+');
    await file.write('damage', 1000);
    await file.utimes(5, 5);
    await file.close();
    const { writtenSize } = await copy(source, folder);
    expect(writtenSize).toBe(mib);
    expect(await readFiles(folder)).toEqual(readSource(source));
  });

  it('in place takes the old archive for the start of the new, on a disk that has no room for both', async () => {
    const disk = await makeLoopDisk(32 * mib);
    const bytes = randomBytes(20 * mib, 'a');
    const longer = Buffer.concat([bytes.subarray(0, 17 * mib), randomBytes(4 * mib, 'b')]);
    await copy(sketchSource({ 'images.tar.xz': bytes }, 'old'), disk.folder);
    const next = sketchSource({ 'images.tar.xz': longer }, 'new');
    await expect(copy(next, disk.folder)).rejects.toMatchObject({ code: 'output-full' });
    await rm(join(disk.folder, '.images.tar.xz.partial'));
    expect(await readdir(disk.folder)).toContain('SHA256SUMS');
    const { writtenSize } = await copy(next, disk.folder, { isInPlace: true });
    expect(writtenSize).toBe(5 * mib + sizeOf(next) - 21 * mib); // 16 MiB are in whole chunks
    expect(await readFiles(disk.folder)).toEqual(readSource(next));
  });

  it('leaves a file alone that no copy wrote, and says which', async () => {
    const folder = await makeTempFolder();
    await writeFile(join(folder, 'index.html'), 'my own page');
    const source = sketchSource({ 'images.tar.xz': randomBytes(1000, 'a') });
    const plan = await planCopy(source, folder, await surveyTarget(folder));
    expect(plan.foreign).toEqual(['index.html']);
  });

  it('stops at a signal, keeps what is written, and goes on later', async () => {
    const folder = await makeTempFolder();
    const source = sketchSource({ 'images.tar.xz': randomBytes(24 * mib, 'a') });
    const controller = new AbortController();
    const stopping = interruptAt(source, 'images.tar.xz', 20 * mib, () => {
      controller.abort(new Error('enough'));
    });
    await expect(copy(stopping, folder, { signal: controller.signal })).rejects.toThrow('enough');
    const { resumedSize } = await copy(source, folder);
    expect(resumedSize).toBeGreaterThanOrEqual(16 * mib);
    expect(await readFiles(folder)).toEqual(readSource(source));
  });

  it('makes any folder of an earlier copy, finished or not, equal to the source', async () => {
    const place = await mkdtemp('/dev/shm/bfs-'); // where fsync costs nothing
    onTestFinished(() => rm(place, { recursive: true }));
    const content = fc.constantFrom('a', 'b', 'c', 'd');
    const bundle = fc.oneof(
      fc.array(content, { minLength: 2, maxLength: 4 }),
      content.map((seed) => [seed]),
    );
    const build = (seeds: readonly string[], note: string): CopySource =>
      sketchSource(
        Object.fromEntries(
          seeds.map((seed, index) => [
            seeds.length === 1 ? 'images.tar.xz' : `images.tar.xz.00${index + 1}`,
            randomBytes(9000 + seed.charCodeAt(0), seed),
          ]),
        ),
        note,
      );
    await fc.assert(
      fc.asyncProperty(
        bundle,
        bundle,
        bundle,
        fc.boolean(),
        fc.nat(5),
        async (first, second, third, isInPlace, stop) => {
          const folder = await mkdtemp(join(place, 'copy-'));
          await copy(build(first, '1'), folder);
          const controller = new AbortController();
          const names = build(second, '2').files.map(({ name }) => name);
          const stopping = interruptAt(build(second, '2'), names[stop % names.length] ?? '', 0, () => {
            controller.abort(new Error('enough'));
          });
          await copy(stopping, folder, { signal: controller.signal, isInPlace }).catch(() => undefined);
          const source = build(third, '3');
          await copy(source, folder, { isInPlace });
          expect(await readFiles(folder)).toEqual(readSource(source));
        },
      ),
      { numRuns: 40 },
    );
  });
});

/** Changes these bytes where they lie in the file `image`, as a worn-out stick does, behind the back of the file system. */
function breakBytes(image: string, bytes: Buffer): void {
  const all = readFileSync(image);
  const position = all.indexOf(bytes);
  const fd = openSync(image, 'r+');
  writeSync(fd, Buffer.alloc(bytes.length), 0, bytes.length, position);
  closeSync(fd);
}
