/** Whether a verb takes more than linear time: each with 1, 2, 4 and 8 times as many files, images, layers, tags, blocks. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findExponent } from './exponent.ts';
import { type ManyKind, oneImage, writeManyArchive } from './many-archives.ts';
import { measure } from './measure.ts';
import { bundlefs } from './setting.ts';

const largest: Readonly<Record<ManyKind, number>> = {
  files: 80_000,
  images: 8_000,
  layers: 16_000,
  tags: 80_000,
  blocks: 20_000,
};
/** No verb may have a larger exponent. */
const mostExponent = 1.2;
/** A difference of less is lost in the noise. */
const leastSeconds = 0.1;

export interface BenchManyOptions {
  /** All where absent. */
  readonly kinds?: readonly string[] | undefined;
  readonly verbs?: readonly string[] | undefined;
  /** A part of the counts, such as 0.25: quicker, and rougher. */
  readonly scale: number;
}

/** Prints a table for each kind, and returns whether every verb's time grows no faster than it may. */
export async function benchMany({ kinds, verbs, scale }: BenchManyOptions): Promise<boolean> {
  const work = mkdtempSync(join(tmpdir(), 'bundlefs-many-'));
  let isMet = true;
  try {
    for (const kind of Object.keys(largest) as ManyKind[]) {
      if (kinds?.includes(kind) === false) continue;
      const counts = [8, 4, 2, 1].map((part) => Math.round((largest[kind] * scale) / part));
      const seconds = new Map<string, number[]>();
      for (const count of counts) {
        for (const [verb, taken] of await measureVerbs(join(work, `${kind}-${count}`), kind, count, verbs)) {
          seconds.set(verb, (seconds.get(verb) ?? []).concat(taken));
        }
      }
      const lines = [['verb', ...counts, 'exponent', 'met'], Array.from({ length: 7 }, () => '---')];
      console.log(`### ${kind}\n\n${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}`);
      for (const [verb, taken] of seconds) {
        const { line, isWithin } = describeVerb(verb, counts, taken);
        console.log(line);
        isMet &&= isWithin;
      }
      console.log('');
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return isMet;
}

function describeVerb(
  verb: string,
  counts: readonly number[],
  seconds: readonly number[],
): { readonly line: string; readonly isWithin: boolean } {
  // From count to count, so that starting costs nothing: 1, 2 and 4 times as much is linear.
  const points = counts
    .map((count, index) => ({ count, seconds: (seconds[index] ?? 0) - (seconds[index - 1] ?? 0) }))
    .slice(1)
    .filter((point) => point.seconds >= leastSeconds);
  const isTold = points.length > 1;
  const exponent = isTold ? findExponent(points) : 0;
  const isWithin = exponent <= mostExponent;
  const cells = [
    ...seconds.map((second) => second.toFixed(2)),
    isTold ? exponent.toFixed(2) : '–',
    isWithin ? 'yes' : 'NO',
  ];
  return { line: `| ${[verb, ...cells].join(' | ')} |`, isWithin };
}

/** CPU seconds of each verb. */
async function measureVerbs(
  folder: string,
  kind: ManyKind,
  count: number,
  verbs: readonly string[] | undefined,
): Promise<[string, number][]> {
  mkdirSync(folder);
  await writeManyArchive(join(folder, 'r1.tar'), kind, count, 1);
  await writeManyArchive(join(folder, 'r2.tar'), kind, count, 2);
  const measured: [string, number][] = [];
  for (const [verb, command, isNeeded = false] of listCommands(folder)) {
    if (!isNeeded && verbs?.includes(verb) === false) continue;
    measured.push([verb, measure(`cd ${folder}; ${command}`).cpuSeconds]);
  }
  rmSync(folder, { recursive: true });
  return measured;
}

/** In an order in which each has what it needs; those that others need are marked. */
function listCommands(folder: string): (readonly [verb: string, command: string, isNeeded?: boolean])[] {
  const run = (verb: string, rest: string, cache = 'cache'): string =>
    `${bundlefs} ${verb} --no-config --cache ${folder}/${cache} ${rest}`;
  const preset = '--preset 0';
  return [
    ['build', run('build', `${preset} --from r1.tar -o r1.tar.xz`), true],
    ['build, again', run('build', `${preset} --from r1.tar -o r1.tar.xz`)],
    ['plan', run('plan', `${preset} --from r2.tar`)],
    ['plan --exact', run('plan', `${preset} --from r2.tar --exact`)],
    ['build, next', run('build', `${preset} --from r2.tar -o r2.tar.xz`), true],
    ['why', run('why', oneImage)],
    ['why --since', run('why', '--since 1d')],
    ['diff', run('diff', 'r1.tar.xz r2.tar.xz')],
    ['diff of archives', run('diff', 'r1.tar r2.tar')],
    ['diff @1 @0', run('diff', '@1 @0')],
    ['diff --files', run('diff', 'r1.tar.xz r2.tar.xz --files')],
    [
      'thin',
      run('thin', `${preset} ${oneImage} --from r2.tar --on ${oneImage} --on-from r1.tar -o thin.tar.xz`),
    ],
    ['squash', run('squash', `${preset} ${oneImage} --from r2.tar -o flat.tar.xz`)],
    ['inspect', `${bundlefs} inspect --layers r2.tar.xz`],
    ['verify', `${bundlefs} verify r2.tar.xz`],
    ['verify, archive', `${bundlefs} verify r2.tar`],
    ['describe', run('describe', `${preset} --from r1.tar > r1.json`), true],
    ['build of a recipe', run('build', `${preset} --from recipe:r1.json -o again.tar.xz`)],
    ['delta', run('delta', `${preset} --base r1.tar.xz --from r2.tar -o r.delta`)],
    ['delta --for docker', run('delta', `${preset} --for docker --base r1.tar.xz --from r2.tar -o d.delta`)],
    ['stream', run('stream', `${preset} --from r2.tar > /dev/null`)],
    ['stream --tar', run('stream', `${preset} --from r2.tar --tar > /dev/null`)],
    ['copy', run('copy', `${preset} --allow-system-disk --from r1.tar stick`), true],
    ['copy, next', run('copy', `${preset} --allow-system-disk --from r2.tar stick`)],
    ['build, zst', run('build', `${preset} --from r2.tar --format zst --zst-level 1 -o r2.tar.zst`)],
    [
      'build --from oci',
      `mkdir oci && tar -xf r2.tar.xz -C oci && ${run('build', `${preset} --from oci:oci -o o.tar.xz`)}`,
    ],
    [
      'list of names',
      `tar -xOf r2.tar.xz manifest.json | tr '"' '\\n' | grep '^docker.io' | sort -u > names; ${run('plan', `${preset} --images-file names --from r2.tar`)}`,
    ],
    ['cache info', run('cache info', '')],
    ['cache verify', run('cache verify', '')],
    ['cache gc', run('cache gc', '--keep-last 1')],
  ];
}
