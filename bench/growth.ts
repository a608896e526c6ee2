/** Whether everything grows with the images and not faster: bundles of 2 to 20 GB of content. Takes long. */
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeNoiseArchive } from './make-archive.ts';
import { measure } from './measure.ts';
import { mount } from './mounted.ts';
import { bundlefs, type Setting } from './setting.ts';
import { type Row, state } from './table.ts';

/** Files of 8 MiB, of which 1 MiB is noise: what can be squeezed is left out of what has to be stored. */
const file = { fileSize: 8 * 1024 * 1024, noiseSize: 1024 * 1024 };
const filesPerGigabyte = Math.round(1e9 / file.fileSize);

/** What one size took, by GB of content but for memory. */
type Growth = Readonly<Record<keyof typeof units, number>>;

const units = {
  'build: wall': 's/GB',
  'build: CPU': 's/GB',
  'build: peak memory': 'MiB',
  'no change: wall': 's/GB',
  'no change: CPU': 's/GB',
  'no change: peak memory': 'MiB',
  'mount: ready': 's/GB',
  'mount: memory of the daemon': 'MiB',
  'read of the mount: CPU by GB of bundle': 's/GB',
} as const;

/** One row for each figure: the largest size against the smallest. */
export async function benchGrowth({ work }: Setting, gigabytes: readonly number[]): Promise<Row[]> {
  const seen: Growth[] = [];
  for (const size of gigabytes) seen.push(await measureSize(work, size));
  const [smallest] = seen;
  const largest = seen.at(-1);
  if (smallest === undefined || largest === undefined) return [];
  const names = Object.keys(units) as (keyof typeof units)[];
  return names.map((name) => {
    const growth = largest[name] / smallest[name];
    const steps = seen.map((step) => step[name].toFixed(2)).join(', ');
    return state(`${name}, times as much`, growth, '', {
      target: { atMost: 1.1 },
      note: `${steps} ${units[name]} at ${gigabytes.join(', ')} GB`,
    });
  });
}

async function measureSize(work: string, gigabytes: number): Promise<Growth> {
  const archive = join(work, 'growth.tar');
  const cache = join(work, 'growth-cache');
  await writeNoiseArchive(archive, {
    layerCount: gigabytes,
    fileCount: filesPerGigabyte,
    ...file,
    seed: 'growth',
  });
  const size = statSync(archive).size / 1e9;
  // Written nowhere: the disk need not hold archive, cache and bundle at once.
  const command = `${bundlefs} stream --from ${archive} --cache ${cache} --preset 0 > /dev/null`;
  const cold = measure(command);
  const warm = measure(command);
  measure(`${bundlefs} build --from ${archive} --cache ${cache} --preset 0 -o ${work}/growth.tar.xz`);
  rmSync(join(work, 'growth.tar.xz'));
  using mounted = mount(work, archive, { cache, options: '--preset 0' });
  const reads = [1, 2, 3, 4].map(() => {
    const before = mounted.cpuSeconds();
    const reader = measure(`dd if=${mounted.path} of=/dev/null bs=1M status=none`);
    return reader.cpuSeconds + mounted.cpuSeconds() - before;
  });
  const readCpu = Math.min(...reads.slice(1)); // the first one checks the blocks
  const growth = {
    'build: wall': cold.wallSeconds / size,
    'build: CPU': cold.cpuSeconds / size,
    'build: peak memory': cold.memoryMiB,
    'no change: wall': warm.wallSeconds / size,
    'no change: CPU': warm.cpuSeconds / size,
    'no change: peak memory': warm.memoryMiB,
    'mount: ready': mounted.start.wallSeconds / size,
    'mount: memory of the daemon': mounted.memoryMiB(),
    'read of the mount: CPU by GB of bundle': readCpu / (statSync(mounted.path).size / 1e9),
  };
  rmSync(archive);
  rmSync(cache, { recursive: true });
  return growth;
}
