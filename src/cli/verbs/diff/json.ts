/** The JSON that `bundlefs diff --json` prints (docs/explaining.md). */
import type { DiffId } from '../../../ground/digest.ts';
import type { BundleContents, ContentImage } from '../../../inspect/contents/bundle-contents.ts';
import type { NewContents } from '../../../inspect/contents/measure-new.ts';
import type { FileChange } from '../../../inspect/contents/compare-files.ts';
import type { BundleDiff, ImageDiff } from '../../../inspect/diff-bundles.ts';
import { layerSteps } from '../../../image/image-config.ts';
import { familiarName } from '../../../image/reference.ts';
import type { TreeEntry } from '../../../format/tree/tree.ts';

export function diffToJson(diff: BundleDiff): object {
  const { before, after, images, added, gone } = diff;
  return {
    before: describeContents(before),
    after: describeContents(after),
    images: images.map((image) => describeImage(diff, image)),
    new: describeBytes(added),
    gone: describeBytes(gone),
  };
}

function describeBytes({ size, storedSize, byBlocks, newBlockCount, blockCount }: NewContents): object {
  const counts = byBlocks ? { blocks: newBlockCount, ofBlocks: blockCount } : {};
  return { bytes: size, stored: storedSize, ...counts };
}

function describeContents({ label, images, layers, storedSize }: BundleContents): object {
  return { name: label, size: storedSize, images: images.length, layers: layers.size };
}

function describeImage({ after, added }: BundleDiff, { change, added: own, files }: ImageDiff): object {
  return {
    change: change.kind,
    before: 'before' in change ? nameImage(change.before) : undefined,
    ...('after' in change && {
      after: nameImage(change.after),
      newBytes: own.size,
      newStored: own.storedSize,
    }),
    ...(change.kind === 'rebuilt' && {
      newLayers: change.newLayers.map((diffId) => ({
        diffId,
        size: after.layers.get(diffId)?.size,
        newBytes: added.layers.get(diffId)?.size,
        newStored: added.layers.get(diffId)?.storedSize,
        createdBy: stepOf(change.after, diffId),
      })),
      goneLayers: change.goneLayers,
    }),
    files: files?.map(describeFile),
  };
}

function nameImage({ names, id }: ContentImage): object {
  return { names: names.map(familiarName), id };
}

function stepOf({ layers, history }: ContentImage, diffId: DiffId): string | undefined {
  return layerSteps(history)[layers.indexOf(diffId)];
}

function describeFile(change: FileChange): object {
  return {
    path: change.path,
    change: change.kind,
    differences: change.kind === 'changed' ? change.differences : undefined,
    before: 'before' in change ? describeEntry(change.before) : undefined,
    after: 'after' in change ? describeEntry(change.after) : undefined,
  };
}

/** null for a folder that no layer has an entry for. */
function describeEntry(entry: TreeEntry<DiffId> | undefined): object | null {
  if (entry === undefined) return null;
  const { kind, size, target, device, layer } = entry;
  const { mode, uid, gid, mtime } = entry.metadata;
  return { kind, size, mode: mode.toString(8).padStart(4, '0'), uid, gid, mtime, target, device, layer };
}
