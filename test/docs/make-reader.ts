/** What the pages take as given: images in an engine, an archive of them, and the source of one. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeLegacyArchive } from '../fixtures/write-legacy-archive.ts';
import type { ThrowawayEngine } from '../support/throwaway-engine.ts';

const names = new Map([
  ['web', 'shop/web:1'],
  ['worker', 'shop/api:1'],
  ['db', 'shop/db:5'],
]);

/** Writes what `docker save` of the shop's images gives to `path`. */
export async function writeShop(path: string): Promise<void> {
  const images = await buildSampleImages({ scale: 3 });
  const named = images.map((image) => ({ ...image, tags: [names.get(image.name) ?? image.name] }));
  await writeLegacyArchive(path, named);
}

/** Puts the images of the archive `shop` into the engine, and what a reader has beside them into `folder`/work. */
export async function makeReader(
  folder: string,
  { engine, shop }: { readonly engine: ThrowawayEngine; readonly shop: string },
): Promise<void> {
  await engine.docker('load', '-q', '-i', shop);
  await mkdir(join(folder, 'work/web'), { recursive: true });
  await writeFile(join(folder, 'work/web/Dockerfile'), 'FROM shop/web:1\nCOPY motd /etc/motd\n');
  await writeFile(join(folder, 'work/web/motd'), 'second release\n');
  await writeFile(
    join(folder, 'work/docker-compose.yml'),
    'services:\n  web: { image: "shop/web:1", build: web }\n  api: { image: "shop/api:1" }\n',
  );
  await copyFile(shop, join(folder, 'work/images.tar'));
}
