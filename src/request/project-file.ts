/** Checks the content of a project file. */
import { mapPath } from '../place/place.ts';
import { dirname, resolve } from 'node:path';
import { explainIssue } from './explain-issue.ts';
import { fileFault, formatPosition } from './file-fault.ts';
import { type ProjectFileContent, projectFileSchema } from './project-file-schema.ts';
import { parseYaml } from './yaml-document.ts';

/** A project file whose paths are absolute. */
export interface ProjectFile extends ProjectFileContent {
  readonly path: string;
}

const shownCount = 5;

/** The content of the file at `path`, with its paths made absolute. Throws selection-invalid. */
export function parseProjectFile(text: string, path: string): ProjectFile {
  const [document, second] = parseYaml(text, path, { maps: 'object' });
  if (second !== undefined)
    throw fileFault(path, second.positionOf([]), 'a second document starts here, one was expected');
  if (document === undefined || document.value === null) return { path };
  const result = projectFileSchema.safeParse(document.value);
  if (result.success) return { path, ...withAbsolutePaths(result.data, dirname(path)) };
  const [first, ...others] = result.error.issues
    .flatMap((issue) => explainIssue(issue, document, projectFileSchema))
    .sort((a, b) => (a.position?.line ?? 0) - (b.position?.line ?? 0));
  const more = others
    .slice(0, shownCount)
    .map(({ position, text }) => `Also: ${formatPosition(position)}${text}`)
    .concat(others.length > shownCount ? [`And ${others.length - shownCount} more.`] : []);
  throw fileFault(path, first?.position, first?.text ?? 'it is not a project file', {
    hint: [...more, 'docs/project-file.md has every key with an example.'],
  });
}

function withAbsolutePaths(content: ProjectFileContent, folder: string): ProjectFileContent {
  const at = (path: string): string => resolve(folder, path);
  const orInput = (path: string): string => (path === '-' ? path : at(path));
  const { imagesFiles, compose, from, transforms, cache, output, mountPoint, watch, gc } = content;
  return {
    ...content,
    imagesFiles: imagesFiles?.map(orInput),
    compose: compose && {
      ...compose,
      files: compose.files.map(at),
      envFile: compose.envFile === undefined ? undefined : [compose.envFile].flat().map(at),
    },
    from: ifGiven(from, (text) => mapPath(text, at)),
    transforms: transforms?.map((transform) =>
      'thin' in transform
        ? { ...transform, onFrom: ifGiven(transform.onFrom, (text) => mapPath(text, at)) }
        : transform,
    ),
    cache: ifGiven(cache, at),
    output: ifGiven(output, at),
    mountPoint: ifGiven(mountPoint, at),
    gc: gc && { ...gc, keepRecipes: gc.keepRecipes?.map(at) },
    watch: watch && { ...watch, metricsFile: ifGiven(watch.metricsFile, at) },
  };
}

function ifGiven(text: string | undefined, change: (text: string) => string): string | undefined {
  return text === undefined ? undefined : change(text);
}
