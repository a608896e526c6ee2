/**
 * Any tar, any edit, same bytes out: random layers through the whole pipeline, revision after revision in one cache. What is
 * damaged so that engines refuse it is refused.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { makeImage } from '../../sample/make-image.mjs';
import { collect, packTar, type TarMember } from '../../sample/pack-tar.mjs';
import { openCache } from '../../src/cache/cache.ts';
import { prepareBundle } from '../../src/bundle/prepare-bundle.ts';
import type { VirtualFile } from '../../src/file/virtual-file.ts';
import { TarCheck } from '../../src/format/tar/tar-check.ts';
import { noiseBytes } from '../addon/support/sample-bytes.ts';
import { createMemorySource } from '../support/memory-source.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

const profile = { preset: 0, extreme: false, check: 'crc64' } as const;

/** A member before it is packed: small numbers, so that what fails is shrunk. */
interface Plan {
  readonly kind: 'text' | 'noise' | 'program' | 'zeros' | 'directory' | 'symlink' | 'link' | 'empty';
  readonly path: string;
  readonly size: number;
  readonly seed: number;
  readonly mtime: number;
  readonly hasPax: boolean;
}

type Edit =
  | { readonly kind: 'insert' | 'replace'; readonly at: number; readonly plan: Plan }
  | { readonly kind: 'remove' | 'touch' | 'move'; readonly at: number };

/** What is done to the bytes of a packed tar behind its start, which must be that of a tar: most of it makes it no tar from there on. */
type Damage =
  | { readonly kind: 'none' | 'no tar' }
  | { readonly kind: 'flip' | 'cut' | 'insert' | 'append'; readonly at: number; readonly length: number };

const folders = ['app/', 'usr/lib/', 'usr/bin/', 'opt/a b/', 'long/'.repeat(30), 'żółć/'];
const names = ['a', 'libz.so.1', 'index.js', 'x'.repeat(120), 'prog'];

const plan: fc.Arbitrary<Plan> = fc.record({
  kind: fc.constantFrom('text', 'noise', 'program', 'zeros', 'directory', 'symlink', 'link', 'empty'),
  path: fc
    .tuple(fc.constantFrom(...folders), fc.constantFrom(...names), fc.nat(20))
    .map(([folder, name, number]) => `${folder}${number}${name}`),
  // Around the sizes at which the cutting rule changes its mind.
  size: fc.oneof(
    fc.nat(3000),
    fc.constantFrom(511, 512, 513, 8191, 32_767, 32_768, 131_072, 140_000, 393_216, 524_288, 600_000),
  ),
  seed: fc.nat(50),
  mtime: fc.nat(2 ** 31 - 1), // tar-stream writes later ones as no numbers
  hasPax: fc.boolean(),
});

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constantFrom('insert', 'replace'), at: fc.nat(100), plan }),
  fc.record({ kind: fc.constantFrom('remove', 'touch', 'move'), at: fc.nat(100) }),
);

const damage: fc.Arbitrary<Damage> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: 'none' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'no tar' } as const) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('flip', 'cut', 'insert', 'append'),
      at: fc.nat(3_000_000),
      length: fc.integer({ min: 1, max: 2000 }),
    }),
  },
);

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function contentOf({ kind, size, seed }: Plan): Buffer {
  const text = `line ${seed} of a file that can be compressed\n`;
  switch (kind) {
    case 'noise':
      return noiseBytes(size, `content ${seed}`);
    case 'program':
      return Buffer.concat([Buffer.from('\x7fELF', 'latin1'), Buffer.alloc(size, text)]);
    case 'zeros':
      return Buffer.alloc(size);
    case 'text':
      return Buffer.alloc(size, text);
    case 'directory':
    case 'symlink':
    case 'link':
    case 'empty':
      return Buffer.alloc(0);
  }
}

/** Each path once, and hardlinks to the file before them: no engine takes anything else. */
function packPlans(plans: readonly Plan[]): Promise<Buffer> {
  const members = new Map<string, TarMember>();
  let file: string | undefined;
  for (const member of plans) {
    if (members.has(member.path)) continue;
    members.set(member.path, memberOf(member, file));
    if (!['directory', 'symlink', 'link'].includes(member.kind)) file = member.path;
  }
  return collect(packTar([...members.values()]));
}

function memberOf(member: Plan, linkName: string | undefined): TarMember {
  const { kind, path, mtime, hasPax, seed } = member;
  const pax = hasPax ? { pax: { 'SCHILY.xattr.user.note': 'x'.repeat(seed * 40) } } : {};
  if (kind === 'directory') return { name: `${path}/`, type: kind, mtime, ...pax };
  if (kind === 'symlink') return { name: path, type: kind, linkName: `${path}-target`, mtime, ...pax };
  if (kind === 'link' && linkName !== undefined) return { name: path, type: kind, linkName, mtime, ...pax };
  return { name: path, content: contentOf(member), mtime, ...pax };
}

function applyEdit(members: readonly Plan[], change: Edit): Plan[] {
  const at = change.at % Math.max(1, members.length);
  const [old] = members.slice(at, at + 1);
  const before = members.slice(0, at);
  const after = members.slice(at + 1);
  if (change.kind === 'insert') return [...before, change.plan, ...members.slice(at)];
  if (old === undefined) return [...members];
  switch (change.kind) {
    case 'replace':
      return [...before, change.plan, ...after];
    case 'remove':
      return [...before, ...after];
    case 'touch':
      return [...before, { ...old, mtime: (old.mtime + 1) % 2 ** 31 }, ...after];
    case 'move':
      return [...before, ...after, old];
  }
}

/** A header, or the end of an archive without members. */
const startSize = 1024;

function applyDamage(tar: Buffer, change: Damage): Buffer {
  return Buffer.concat([tar.subarray(0, startSize), damageBytes(tar.subarray(startSize), change)]);
}

function damageBytes(tar: Buffer, change: Damage): Buffer {
  if (!('at' in change)) return change.kind === 'none' ? tar : noiseBytes(tar.length % 100_000, 'no tar');
  const { length } = change;
  const at = change.at % (tar.length + 1);
  const noise = noiseBytes(length, `damage ${at}`);
  switch (change.kind) {
    case 'flip':
      return Buffer.concat([tar.subarray(0, at), noise, tar.subarray(at + length)]);
    case 'cut':
      return tar.subarray(0, at);
    case 'insert':
      return Buffer.concat([tar.subarray(0, at), noise, tar.subarray(at)]);
    case 'append':
      return Buffer.concat([tar, noise, tar.subarray(0, at)]);
  }
}

function findFault(layer: Uint8Array): string | undefined {
  const check = new TarCheck();
  check.push(layer);
  return check.findFaultAtEnd();
}

async function readAll(file: VirtualFile): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.stream()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The bundle of an image of these layers: as made, and as its blocks decode. */
async function makeBundle(
  cachePath: string,
  layers: readonly Buffer[],
): Promise<{ xz: Buffer; tar: Buffer }> {
  const image = makeImage({ name: 'edited', tags: ['tiny/edited:1'], layers });
  const source = createMemorySource([image]);
  await using bundle = await prepareBundle({
    source,
    references: [],
    cache: await openCache(cachePath),
    profile,
  });
  return { xz: await readAll(bundle.xz), tar: await readAll(bundle.tar) };
}

it('any tar, any edit: the bundle holds the same bytes, and they are those of an empty cache', async () => {
  const revision = fc.record({ edits: fc.array(edit, { maxLength: 4 }), damage });
  await fc.assert(
    fc.asyncProperty(
      fc.array(plan, { maxLength: 12 }),
      fc.array(revision, { minLength: 2, maxLength: 4 }),
      async (first, revisions) => {
        const folder = await makeTempFolder();
        let members: readonly Plan[] = first;
        let last: { xz: Buffer; layers: Buffer[] } | undefined;
        for (const { edits, damage: change } of revisions) {
          members = edits.reduce(applyEdit, members);
          const whole = await packPlans(members);
          const damaged = applyDamage(whole, change);
          const isTaken = findFault(damaged) === undefined;
          if (!isTaken) {
            const made = makeBundle(join(folder, 'cache'), [whole, damaged]);
            await expect(made).rejects.toMatchObject({ code: 'config-corrupt' });
          }
          const layers = isTaken ? [whole, damaged] : [whole];
          const { xz, tar } = await makeBundle(join(folder, 'cache'), layers);
          const path = join(folder, 'images.tar.xz');
          await writeFile(path, xz);
          // By decoders and readers that are not ours.
          const decoded = execFileSync('xz', ['-dc', path], { maxBuffer: 2 ** 28 });
          expect(sha256(decoded)).toBe(sha256(tar));
          for (const layer of layers) {
            const name = `blobs/sha256/${sha256(layer)}`;
            const found = execFileSync('tar', ['-xOf', '-', name], { input: tar, maxBuffer: 2 ** 28 });
            expect(sha256(found)).toBe(sha256(layer));
          }
          last = { xz, layers };
        }
        if (last === undefined) return;
        const { xz } = await makeBundle(join(folder, 'other'), last.layers);
        expect(sha256(xz)).toBe(sha256(last.xz));
      },
    ),
    { numRuns: 15 },
  );
}, 120_000);
