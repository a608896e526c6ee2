/** What a copy will write, and whether there is room for it. Pure. */
import type { CopyPlan } from './plan-copy.ts';
import type { Survey } from './survey-target.ts';
import type { Target } from './target.ts';

export interface CopyMeasure {
  readonly writeCount: number;
  /** Bytes of the files to be written, those among them that an earlier copy left half-written, at the most. */
  readonly writeSize: number;
  readonly partialSize: number;
  readonly keepCount: number;
  /** Bytes of files that lie there already, under whatever name. */
  readonly keepSize: number;
  readonly removeCount: number;
  /** Bytes on the disk that are needed beyond what is taken now, while the old files stay until the new ones are whole. */
  readonly neededSize: number;
  /** The same where the old ones give way first. */
  readonly neededInPlace: number;
  /** The first file that the file system cannot hold. */
  readonly tooLarge?: { readonly name: string; readonly size: number };
}

/** For the note, the folder and what a file system needs for itself. */
const marginSize = 2 ** 18;

export function measureCopy(
  plan: CopyPlan,
  survey: Survey,
  { blockSize, traits }: Pick<Target, 'blockSize' | 'traits'>,
): CopyMeasure {
  const round = (size: number): number => Math.ceil(size / blockSize) * blockSize;
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
  const allocated = (names: readonly string[], files: Survey['files']): number =>
    sum(names.map((name) => files.get(name)?.allocatedSize ?? 0));
  const written = plan.files.filter((file) => file.kind === 'write');
  const kept = plan.files.filter(({ kind }) => kind !== 'write');
  const partials = written.map(({ file }) => survey.partials.get(file.name));
  const roundedSize = sum(written.map(({ file }) => round(file.content.size)));
  const freedFirst =
    sum(partials.map((partial) => partial?.allocatedSize ?? 0)) +
    allocated(plan.stalePartials, survey.partials);
  const freedLast =
    allocated(plan.stale, survey.files) + sum(written.map(({ replaced }) => replaced?.allocatedSize ?? 0));
  const needed = written.length === 0 ? 0 : roundedSize + marginSize - freedFirst;
  const { maxFileSize = Infinity } = traits;
  const tooLarge = written.find(({ file }) => file.content.size > maxFileSize);
  return {
    writeCount: written.length,
    writeSize: sum(written.map(({ file }) => file.content.size)),
    partialSize: sum(
      written.map(({ file }, index) => Math.min(partials[index]?.size ?? 0, file.content.size)),
    ),
    keepCount: kept.length,
    keepSize: sum(kept.map(({ file }) => file.content.size)),
    removeCount: plan.stale.length + plan.stalePartials.length,
    neededSize: Math.max(0, needed),
    neededInPlace: Math.max(0, needed - freedLast),
    tooLarge: tooLarge && { name: tooLarge.file.name, size: tooLarge.file.content.size },
  };
}
