/** Configs of images whose layers were made anew: everything else in them stays, and the history fits the layers. */
import type { DiffId } from '../digest.ts';
import { parseImageConfig } from '../image/image-config.ts';

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

/** What a history may say, and whatever else stands in it. */
interface RawStep {
  readonly created?: string;
  readonly empty_layer?: boolean;
}

/** What tells of the container that an image was committed from, of the image before it, and of layers that are gone. */
const droppedKeys = ['container', 'container_config', 'parent', 'moby.buildkit.cache.v0'];

/**
 * `config` for other layers. Steps that made layers which are gone stay in the history without a layer, so that
 * `docker history` still tells of them; the new layer is its last step. `created` stays: nothing here has a clock.
 */
export function reworkConfig(
  config: Uint8Array,
  { layers, base = config, step, labels }: ReworkConfigOptions,
): Uint8Array {
  const raw = parseObject(config);
  for (const key of droppedKeys) Reflect.deleteProperty(raw, key);
  const kept = keepSteps(base, layers.length - 1);
  const own = readSteps(config);
  const shared = kept.findIndex((entry, index) => !isSameStep(entry, own[index]));
  const passed = own
    .slice(shared < 0 ? kept.length : shared)
    .map((entry) => ({ ...entry, empty_layer: true }));
  const { created } = parseImageConfig(config, 'an image config');
  const last = {
    ...(created !== undefined && { created }),
    created_by: step.createdBy,
    comment: step.comment,
  };
  if (labels !== undefined) raw['config'] = withLabels(raw['config'], labels);
  raw['rootfs'] = { type: 'layers', diff_ids: layers };
  raw['history'] = [...kept, ...passed, last];
  return Buffer.from(JSON.stringify(raw));
}

/** The steps up to the one that made the last of `count` layers; one for each layer where the history does not fit. */
function keepSteps(config: Uint8Array, count: number): RawStep[] {
  const steps = readSteps(config);
  const { created, diffIds } = parseImageConfig(config, 'an image config');
  if (steps.filter(makesLayer).length !== diffIds.length) {
    return diffIds.slice(0, count).map(() => ({ ...(created !== undefined && { created }) }));
  }
  let layerCount = 0;
  const end = steps.findIndex((step) => makesLayer(step) && ++layerCount > count);
  return end < 0 ? steps : steps.slice(0, end);
}

function readSteps(config: Uint8Array): RawStep[] {
  const { history } = parseObject(config);
  return Array.isArray(history) ? (history as RawStep[]) : [];
}

function makesLayer({ empty_layer }: RawStep): boolean {
  return empty_layer !== true;
}

function isSameStep(a: RawStep, b: RawStep | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function withLabels(config: unknown, labels: Readonly<Record<string, string>>): Record<string, unknown> {
  const own = isObject(config) ? config : {};
  const before = isObject(own['Labels']) ? own['Labels'] : {};
  return { ...own, Labels: { ...before, ...labels } };
}

/** A config that was read by parseImageConfig before: it is an object. */
function parseObject(config: Uint8Array): Record<string, unknown> {
  const value: unknown = JSON.parse(Buffer.from(config).toString('utf8'));
  if (!isObject(value)) throw new TypeError('This is no image config');
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
