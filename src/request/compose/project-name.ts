/** The name of a Compose project, by which images are called that it builds. */
import { fileFault } from '../file-fault.ts';

export interface ProjectNameOptions {
  /** What was asked for, before all others. */
  readonly asked: string | undefined;
  /** COMPOSE_PROJECT_NAME. */
  readonly variable: string | undefined;
  /** `name:` of the last file that has one, with its variables replaced. */
  readonly named: string | undefined;
  /** The folder of the first file, absolute. */
  readonly folder: string;
  /** The first file. */
  readonly path: string;
}

/** Docker docs, "Specify a project name"; compose-go, cli/options.go, "withNamePrecedenceLoad". Throws selection-invalid. */
export function chooseProjectName({ asked, variable, named, folder, path }: ProjectNameOptions): string {
  const given = [asked, variable].find((name) => name !== undefined && name !== '');
  const name = given ?? normalise(named ?? folder.split('/').at(-1) ?? '');
  if (name === normalise(name) && name !== '') return name;
  throw fileFault(
    path,
    undefined,
    `"${given ?? named ?? folder}" cannot be the name of a project, which images that it builds are called by`,
    {
      hint: 'It has lower-case letters, digits, - and _, and starts with a letter or digit. Set COMPOSE_PROJECT_NAME.',
    },
  );
}

/** compose-go, "NormalizeProjectName". */
function normalise(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '')
    .replace(/^[_-]+/, '');
}
