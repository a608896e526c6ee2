/** The JSON that `bundlefs copy --json` prints (docs/copy.md). */
import { familiarName } from '../../../image/reference.ts';
import type { CopyResult } from '../../../product/copy/copy-to-folder.ts';
import { type CopyFacts, findReadBack } from './text.ts';

/** `result` is undefined for a dry run. */
export function copyToJson({
  source,
  target,
  survey,
  plan,
  measure,
  result,
  seconds,
}: CopyFacts & { readonly result: CopyResult | undefined; readonly seconds: number }): object {
  const { images, archive } = source.description;
  return {
    folder: target.folder,
    fileSystem: { type: target.mount.type, source: target.mount.source, freeBytes: target.freeSize },
    images: images.map(({ names, id, layers }) => ({ names: names.map(familiarName), id, layers })),
    bundle: { name: archive.name, size: archive.size, sha256: archive.sha256 },
    isDryRun: result === undefined,
    files: plan.files.map((entry) => ({
      name: entry.file.name,
      size: entry.file.content.size,
      action: entry.kind,
      from: entry.kind === 'move' ? entry.from : undefined,
    })),
    removed: [...plan.stale, ...plan.stalePartials.map((name) => `.${name}.partial`)],
    others: survey.others,
    bytes: {
      toWrite: measure.writeSize,
      alreadyThere: measure.keepSize,
      written: result?.writtenSize,
      resumed: result?.resumedSize,
    },
    readBack: result && findReadBack({ target, plan }, result),
    seconds: Math.round(seconds * 1000) / 1000,
  };
}
