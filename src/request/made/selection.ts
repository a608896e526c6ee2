/** Completes what the command line says of images with the project file and the environment. */
import { BundleError } from '../../ground/errors.ts';
import { type GivenImageOptions, resolveSelection, type Selection } from '../resolve-selection.ts';
import type { Settings } from '../settings.ts';

export interface ChosenImages {
  readonly selection: Selection;
  readonly options: Settings;
}

/** What `images` and `given` mean in this folder, with this environment. Throws as resolveSelection says. */
export async function chooseImages(
  images: readonly string[],
  given: GivenImageOptions,
): Promise<ChosenImages> {
  const selection = await resolveSelection(
    { ...given, images },
    { environment: process.env, folder: process.cwd(), input: process.stdin },
  );
  return { selection, options: selection.settings };
}

/** The file to write: what the command line says, or the project file. Throws invalid-argument. */
export function chooseOutput(given: string | undefined, { project }: Selection): string {
  const output = given ?? project?.output;
  if (output !== undefined) return output;
  throw new BundleError('invalid-argument', 'Cannot build: no file to write is named', {
    hint: 'Name it with -o FILE, or as "output" in bundlefs.yaml.',
  });
}

/** The mount point: the last argument, or what the project file says. Throws invalid-argument. */
export function chooseMountPoint(given: string | undefined, { project }: Selection): string {
  const mountPoint = given ?? project?.mountPoint;
  if (mountPoint !== undefined) return mountPoint;
  throw new BundleError('invalid-argument', 'Cannot mount: no mount point is named', {
    hint: 'Name an empty folder as the last argument, or as "mountPoint" in bundlefs.yaml.',
  });
}
