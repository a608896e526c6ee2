/** Bundles of thousands of blocks: when a mount can be read, and what its daemon keeps in memory. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeNoiseArchive } from './make-archive.ts';
import { measure } from './measure.ts';
import { mount } from './mounted.ts';
import { build, type Setting } from './setting.ts';
import { type Row, state } from './table.ts';

const options = '--preset 0';
const mountCount = 5;

/** Every file has a block of its own, and the header before it another: 500 files a layer give 1,000 blocks. */
export async function benchManyBlocks({ work }: Setting): Promise<Row[]> {
  const place = { work, cache: join(work, 'many-cache') };
  const archive = join(work, 'many.tar');
  const rows: Row[] = [];
  for (const layerCount of [5, 10]) {
    await writeNoiseArchive(archive, { layerCount, fileCount: 500, fileSize: 33_000, seed: 'many' });
    const { report } = build(place, archive, 'many', options);
    const starts = Array.from({ length: mountCount }, () => {
      using mounted = mount(work, archive, { cache: place.cache, options });
      return mounted.start.wallSeconds;
    }).sort((a, b) => a - b);
    using mounted = mount(work, archive, { cache: place.cache, options });
    measure(`cmp ${mounted.path} ${work}/many.tar.xz`);
    const blocks = `${report.blocks.total} blocks`;
    rows.push(
      state(`${blocks}: mount ready`, starts[mountCount >> 1] ?? 0, 's', { target: { atMost: 0.5 } }),
      state(`${blocks}: memory of the daemon, all read`, mounted.memoryMiB(), 'MiB', {
        target: { atMost: 120 },
      }),
    );
  }
  for (const path of [archive, `${work}/many.tar.xz`]) rmSync(path);
  rmSync(place.cache, { recursive: true });
  return rows;
}
