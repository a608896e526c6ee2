/** What the neighbours' jobs take here and there: updates, squashed and thin images, and images as a small JSON. Needs root and dockerd. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { startEngine } from '../test/support/throwaway-engine.ts';
import { type Measure, measure } from './measure.ts';
import { build, type BuildReport, bundlefs, type Setting } from './setting.ts';
import { compare, compareRuns, type Row, state } from './table.ts';

/** A revision whose bundle is there. */
interface Built {
  readonly archive: string;
  readonly bundle: string;
  readonly names: readonly string[];
}

export async function benchNeighbours(setting: Setting): Promise<Row[]> {
  const built = setting.revisions.map((archive, index) => buildRevision(setting, archive, index + 1));
  const [first, second, third, fourth] = built;
  if (first === undefined || second === undefined) throw new RangeError('Two revisions are needed');
  return [
    ...benchDelta(setting, 'r1 → r2', first, second),
    ...(third !== undefined && fourth !== undefined ? benchDelta(setting, 'r3 → r4', third, fourth) : []),
    ...(await benchSquash(setting, first)),
    ...benchThin(setting, first, second),
    ...benchRecipe(setting, first),
  ];
}

function buildRevision(setting: Setting, archive: string, number: number): Built {
  const { report } = build(setting, archive, `n${number}`);
  return { archive, bundle: join(setting.work, `n${number}.tar.xz`), names: listNames(report) };
}

/** A delta for who has the bundle `before`, against the whole bundle, and against one without the layers that are there. */
function benchDelta({ work, cache }: Setting, what: string, before: Built, after: Built): Row[] {
  const delta = join(work, 'update.delta');
  const whole = join(work, 'plain.tar.xz');
  const ours = measure(
    `${bundlefs} delta --base ${before.bundle} --from ${after.archive} -o ${delta} --cache ${cache}`,
  );
  const theirs = measure(`xz -6 -T2 -c ${after.archive} > ${whole}`);
  const rebuilt = measure(
    `rm -rf ${work}/new && sh ${delta} -o ${work}/new ${before.bundle} >&2 && cmp ${work}/new/images.tar.xz ${after.bundle}`,
  );
  const size = (path: string): number => statSync(path).size;
  const layers = sizeOfLayers({ work, cache }, before, after);
  return [
    compare(`delta ${what} / whole bundle: size`, [size(delta), size(whole)], 'bytes'),
    compare(`delta ${what} / without whole layers: size`, [size(delta), layers], 'bytes'),
    ...compareRuns(`delta ${what} / xz -6 -T2 of all`, [ours, theirs], { note: 'the new bundle is known' }),
    state(`delta ${what}: rebuilt and compared`, rebuilt.wallSeconds, 's', {
      note: `${rebuilt.cpuSeconds.toFixed(2)} s of CPU`,
    }),
  ];
}

/** Bytes of a bundle without the layers that are there, or of the whole where that leaves none out. */
function sizeOfLayers({ work, cache }: Pick<Setting, 'work' | 'cache'>, before: Built, after: Built): number {
  const layers = join(work, 'layers.delta');
  try {
    measure(
      `${bundlefs} delta --for docker --base ${before.bundle} --from ${after.archive} -o ${layers} --cache ${cache}`,
    );
    return statSync(layers).size;
  } catch (error) {
    if (!String(error).includes('no layer that the new ones could do without')) throw error;
    return statSync(after.bundle).size;
  }
}

/** One layer of many, against a container's file system taken out and in again. */
async function benchSquash({ work, cache }: Setting, { archive, names }: Built): Promise<Row[]> {
  const image = names.find((name) => name.includes('web')) ?? names[0] ?? '';
  const ours = measure(
    `${bundlefs} squash ${image} --from ${archive} -t flat:1 -o ${work}/flat.tar.xz --cache ${cache}`,
  );
  await using engine = await startEngine();
  await engine.docker('load', '-i', archive);
  const docker = `docker -H ${engine.host}`;
  const made = measure(
    `set -o pipefail; id=$(${docker} create ${image} true) && ${docker} export $id | ${docker} import - flat:1 && ${docker} save flat:1 > ${work}/flat.tar`,
  );
  const packed = measure(`xz -6 -T2 -c ${work}/flat.tar > ${work}/plain-flat.tar.xz`);
  const theirs = addRuns(made, packed);
  return [
    ...compareRuns(`squash ${image} / export, import, save, xz -6 -T2`, [ours, theirs], {
      note: 'the engine has CPU time of its own; config and history are lost by it',
    }),
    compare(
      'the bundle of it / that archive: size',
      [statSync(`${work}/flat.tar.xz`).size, statSync(`${work}/plain-flat.tar.xz`).size],
      'bytes',
    ),
  ];
}

interface ThinReport {
  readonly thinned: { readonly replacedSize: number };
  readonly layer: { readonly size: number };
}

/** A layer with only what differs, against the layers that the newer image has itself. */
function benchThin({ work, cache }: Setting, before: Built, after: Built): Row[] {
  const image = after.names.find((name) => !before.names.includes(name));
  const older = before.names.find((name) => nameOf(name) === nameOf(image ?? ''));
  if (image === undefined || older === undefined) return [];
  const run = measure(
    `${bundlefs} thin ${image} --on ${older} --from ${after.archive} --on-from ${before.archive} -o ${work}/thin.tar.xz --json --cache ${cache}`,
  );
  const { thinned, layer } = JSON.parse(run.output) as ThinReport;
  return [
    compare(`thin ${image} on ${older} / its own layers: size`, [layer.size, thinned.replacedSize], 'bytes', {
      note: `${run.wallSeconds.toFixed(2)} s, ${run.cpuSeconds.toFixed(2)} s of CPU`,
    }),
  ];
}

/** Images as a JSON, against the archive that it stands for. */
function benchRecipe({ work, cache }: Setting, { archive, bundle }: Built): Row[] {
  const recipe = join(work, 'app.json');
  measure(`${bundlefs} describe --from ${archive} --cache ${cache} > ${recipe}`);
  const again = measure(
    `${bundlefs} build --from recipe:${recipe} -o ${work}/again.tar.xz --cache ${cache} && cmp ${work}/again.tar.xz ${bundle}`,
  );
  return [
    compare('describe / the archive: size', [statSync(recipe).size, statSync(archive).size], 'bytes'),
    state('built again from it', again.wallSeconds, 's', { note: `${again.cpuSeconds.toFixed(2)} s of CPU` }),
  ];
}

/** One after the other. */
function addRuns(first: Measure, second: Measure): Measure {
  return {
    wallSeconds: first.wallSeconds + second.wallSeconds,
    cpuSeconds: first.cpuSeconds + second.cpuSeconds,
    memoryMiB: Math.max(first.memoryMiB, second.memoryMiB),
    output: second.output,
  };
}

function listNames({ images }: BuildReport): string[] {
  return images.flatMap(({ names }) => names.slice(0, 1));
}

/** `shop/web` of `shop/web:1`. */
function nameOf(tag: string): string {
  return tag.slice(0, tag.lastIndexOf(':'));
}
