#!/usr/bin/env node
/** Writes r1.tar and r2.tar, what `docker save` of three images gives before and after one file of one of them changed. */
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { legacyMembers } from './legacy-archive.mjs';
import { makeImage, makeLayer, makeTree } from './make-image.mjs';
import { packTar } from './pack-tar.mjs';

const megabyte = 1_000_000;
const base = makeTree('usr/lib', {
  seed: 'base',
  count: 60,
  smallest: 50_000,
  largest: megabyte,
  binary: 0.7,
});
const runtime = makeTree('opt/runtime', {
  seed: 'runtime',
  count: 300,
  smallest: 1000,
  largest: 100_000,
  binary: 0.1,
});

const folder = process.argv[2];
if (folder === undefined) {
  process.stderr.write('usage: make-sample.mjs FOLDER\n');
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
for (const revision of [1, 2]) {
  const members = legacyMembers(await makeShop(revision));
  await pipeline(packTar(members), createWriteStream(join(folder, `r${revision}.tar`)));
}

/**
 * The images of one revision, about 60 MB. They share two layers; the second revision has another file 7 in web.
 * @param {number} revision
 */
async function makeShop(revision) {
  const shared = [await makeLayer(base), await makeLayer(runtime)];
  const images = ['web', 'api', 'worker'].map(async (name) => {
    const app = makeTree('srv/app', { seed: name, count: 120, smallest: 1000, largest: 90_000, binary: 0.2 });
    const members = app.map((member, index) =>
      name === 'web' && index === 8 ? changeFile(member, revision) : member,
    );
    return makeImage({ name, tags: [`shop/${name}:1`], layers: [...shared, await makeLayer(members)] });
  });
  return Promise.all(images);
}

/**
 * @param {import('./pack-tar.mjs').TarMember & { content?: Buffer }} member
 * @param {number} revision
 */
function changeFile(member, revision) {
  const first = Buffer.from(`// revision ${revision}\n`);
  return { ...member, content: Buffer.concat([first, member.content ?? Buffer.alloc(0)]) };
}
