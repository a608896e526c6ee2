/** The options that say what a mount shows besides the stick: `--view`, `--view-cache`, `--view-spill` and `--zst-level`. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { BundleError } from '../../ground/errors.ts';
import type { ProjectFile } from '../../request/project-file.ts';
import {
  findViewName,
  isDecodedView,
  isFileView,
  type ViewName,
  viewNames,
} from '../../product/views/view-name.ts';
import { findSize } from '../../ground/parse-size.ts';
import { addZstOptions } from './format-options.ts';
import type { ZstOptions } from '../../request/bundle-format.ts';

export interface ViewOptions extends ZstOptions {
  readonly view?: readonly ViewName[];
  /** Bytes of decoded blocks that are kept in memory. */
  readonly viewCache?: number;
  /** Bytes of decoded blocks that are kept on disk. */
  readonly viewSpill?: number;
}

/** Two of the largest blocks, and room for small ones: with less, two readers would decode a block for each read. */
const smallestViewCache = 48 * 2 ** 20;
/** Enough to read forwards; what is read again comes from the spill. Without one, more is kept here. */
const defaultViewCache = 96 * 2 ** 20;
const defaultWithoutSpill = 192 * 2 ** 20;

/** Adds the options to `command`, that of the level of `images.tar.zst` included. */
export function addViewOptions(command: Command): Command {
  const viewed = command
    .addOption(
      new Option('--view <name>', 'show the images in this form, too (repeatable)')
        .choices(viewNames.map(toText))
        .argParser((text, before: readonly ViewName[] | undefined) => [...(before ?? []), parseView(text)]),
    )
    .option(
      '--view-cache <size>',
      'memory for decoded blocks of views, at least 48M (default: 96M, and 192M without a spill)',
      parseViewCache,
    )
    .option(
      '--view-spill <size>',
      'disk in the cache folder for decoded blocks that memory has no room for, until the mount ends; 0 for none (default: what the images have, and a quarter of what is free at most)',
      parseViewSpill,
    );
  return addZstOptions(viewed);
}

/** Bytes of decoded blocks to keep. */
export function chosenViewCache({ viewCache, viewSpill }: ViewOptions): number {
  return viewCache ?? (viewSpill === 0 ? defaultWithoutSpill : defaultViewCache);
}

/** What the project file says, where the command line does not. Throws invalid-argument. */
export function completeViews(given: ViewOptions, stick: ProjectFile['stick']): ViewOptions {
  const view = given.view ?? stick?.views;
  if (given.zstLevel !== undefined && view?.includes('images.tar.zst') !== true) {
    throw new BundleError('invalid-argument', 'Cannot use --zst-level: the mount shows no images.tar.zst', {
      hint: 'Add --view images.tar.zst.',
    });
  }
  const isSized = given.viewCache !== undefined || given.viewSpill !== undefined;
  if (isSized && view?.some(isDecodedView) !== true) {
    const option = given.viewCache === undefined ? '--view-spill' : '--view-cache';
    throw new BundleError(
      'invalid-argument',
      `Cannot use ${option}: the mount shows nothing that is decoded`,
      {
        hint: 'It is for --view images.tar, oci/ and layers/.',
      },
    );
  }
  const viewCache = given.viewCache ?? readViewCache(stick?.viewCache);
  const viewSpill = given.viewSpill ?? readViewSpill(stick?.viewSpill);
  return {
    view,
    viewCache,
    viewSpill,
  };
}

function readViewCache(value: string | number | undefined): number | undefined {
  if (value === undefined) return undefined;
  const size = findSize(String(value));
  if (size !== undefined && size >= smallestViewCache) return size;
  throw new BundleError(
    'invalid-argument',
    `Cannot use stick.viewCache: "${value}" is no size of at least 48M`,
  );
}

function readViewSpill(value: string | number | undefined): number | undefined {
  if (value === undefined) return undefined;
  const size = findSize(String(value));
  if (size !== undefined) return size;
  throw new BundleError('invalid-argument', `Cannot use stick.viewSpill: "${value}" is no size`);
}

function parseView(text: string): ViewName {
  const name = findViewName(text);
  if (name !== undefined) return name;
  throw new InvalidArgumentError(`The views are ${viewNames.map(toText).join(', ')}.`);
}

function parseViewCache(text: string): number {
  const size = findSize(text);
  if (size !== undefined && size >= smallestViewCache) return size;
  throw new InvalidArgumentError('It is a size of at least 48M, for blocks have up to 16M each.');
}

function parseViewSpill(text: string): number {
  const size = findSize(text);
  if (size !== undefined) return size;
  throw new InvalidArgumentError('It is a size, such as 2G, or 0.');
}

function toText(name: ViewName): string {
  return isFileView(name) ? name : `${name}/`;
}
