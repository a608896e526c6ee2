/** Configs of images whose layers were made anew: everything else in them stays, and the history fits the layers. */
import type { DiffId } from '../ground/digest.ts';
import { BundleError } from '../ground/errors.ts';
import { parseImageConfig } from '../image/image-config.ts';
import {
  isGoKey,
  joinArray,
  joinObject,
  type JsonField,
  replaceField,
  splitArray,
  splitObject,
  tidyJson,
  writeJson,
} from './json-text.ts';

/** What stands in a history for the new layer. */
export interface NewStep {
  readonly createdBy: string;
  readonly comment: string;
}

export interface ReworkConfigOptions {
  /** The layers of the new image, from the lowest up; the last one is new. */
  readonly layers: readonly DiffId[];
  /** The config whose history tells of all layers but the last; `config` itself where left out. */
  readonly base?: Uint8Array;
  readonly step: NewStep;
  /** Labels to add. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** What tells of the container that an image was committed from, of the image before it, and of layers that are gone. */
const droppedKeys = ['container', 'container_config', 'parent', 'moby.buildkit.cache.v0'];

/**
 * `config` for other layers. Steps that made layers which are gone stay in the history without a layer, so that
 * `docker history` still tells of them; the new layer is its last step. `created` stays: nothing here has a clock. All that
 * is not said to change stays to the byte. Keys are those that engines take for it, in any case, and the last of several
 * counts (Go encoding/json). Throws config-corrupt if `config` is no config.
 */
export function reworkConfig(
  config: Uint8Array,
  { layers, base = config, step, labels }: ReworkConfigOptions,
): Uint8Array {
  const { created } = parseImageConfig(config, 'an image config');
  const kept = keepSteps(base, layers.length - 1);
  const own = readSteps(config);
  const shared = kept.findIndex((entry, index) => !isSameStep(entry, own[index]));
  const passed = own.slice(shared < 0 ? kept.length : shared).map(withoutLayer);
  const last = writeJson({
    created,
    created_by: step.createdBy,
    comment: step.comment,
  });
  let fields = readFields(config).filter(({ key }) => !droppedKeys.some((dropped) => isGoKey(key, dropped)));
  const replace = (name: string, value: string): void => {
    fields = replaceField(fields, name, (key) => isGoKey(key, name), value);
  };
  if (labels !== undefined) fields = withLabels(fields, labels);
  replace('rootfs', writeJson({ type: 'layers', diff_ids: layers }));
  replace('history', joinArray([...kept, ...passed, last]));
  return Buffer.from(joinObject(fields), 'latin1');
}

/** The steps up to the one that made the last of `count` layers; one for each layer where the history does not fit. */
function keepSteps(config: Uint8Array, count: number): string[] {
  const steps = readSteps(config);
  const { created, diffIds } = parseImageConfig(config, 'an image config');
  if (steps.filter(makesLayer).length !== diffIds.length) {
    return diffIds.slice(0, count).map(() => writeJson({ created }));
  }
  let layerCount = 0;
  const end = steps.findIndex((step) => makesLayer(step) && ++layerCount > count);
  return end < 0 ? steps : steps.slice(0, end);
}

function readSteps(config: Uint8Array): string[] {
  return splitArray(findLast(readFields(config), 'history') ?? '') ?? [];
}

function makesLayer(step: string): boolean {
  return findLast(splitObject(step) ?? [], emptyLayer) !== 'true';
}

function isSameStep(a: string, b: string | undefined): boolean {
  return b !== undefined && tidyJson(a) === tidyJson(b);
}

const emptyLayer = 'empty_layer';

function withoutLayer(step: string): string {
  return joinObject(
    replaceField(splitObject(step) ?? [], emptyLayer, (key) => isGoKey(key, emptyLayer), 'true'),
  );
}

function withLabels(fields: readonly JsonField[], labels: Readonly<Record<string, string>>): JsonField[] {
  return editLast(fields, 'config', (config) =>
    joinObject(
      editLast(splitObject(config) ?? [], 'Labels', (before) => {
        let own = splitObject(before) ?? [];
        for (const [label, value] of Object.entries(labels)) {
          own = replaceField(own, label, (key) => key === label, writeJson(value));
        }
        return joinObject(own);
      }),
    ),
  );
}

/**
 * Changes the object under a key: the last one, for engines add what it has to what earlier ones have. null takes these
 * away, and they are left out then.
 */
function editLast(fields: readonly JsonField[], name: string, edit: (value: string) => string): JsonField[] {
  const isMeant = ({ key }: JsonField): boolean => isGoKey(key, name.toLowerCase());
  const last = fields.findLast(isMeant) ?? { name: writeJson(name), key: name, value: 'null' };
  const others = last.value === 'null' ? fields.filter((field) => field === last || !isMeant(field)) : fields;
  const edited = { ...last, value: edit(last.value) };
  return others.includes(last)
    ? others.map((field) => (field === last ? edited : field))
    : [...others, edited];
}

/** The value that counts of a key that may occur several times: null changes nothing. */
function findLast(fields: readonly JsonField[], name: string): string | undefined {
  return fields.findLast(({ key, value }) => isGoKey(key, name) && value !== 'null')?.value;
}

function readFields(config: Uint8Array): JsonField[] {
  const fields = splitObject(Buffer.from(config).toString('latin1'));
  if (fields !== undefined) return fields;
  throw new BundleError('config-corrupt', 'Cannot make another image: its config is no JSON object');
}
