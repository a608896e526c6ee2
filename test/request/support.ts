/** Resolves selections in a folder of files that a test writes. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type GivenSelection,
  resolveSelection,
  type Selection,
} from '../../src/request/resolve-selection.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

export interface Scene {
  readonly folder: string;
  readonly at: (name: string) => string;
  /** What is selected in the folder; `environment` is all there is of one. */
  select(
    given?: Partial<GivenSelection>,
    environment?: Record<string, string>,
    input?: string,
  ): Promise<Selection>;
  /** The texts of the patterns. */
  names(given?: Partial<GivenSelection>, environment?: Record<string, string>): Promise<string[]>;
}

/** A new folder called `shop` with these files, which is removed when the test ends. */
export async function setScene(files: Readonly<Record<string, string>>): Promise<Scene> {
  return setSceneIn(join(await makeTempFolder(), 'shop'), files);
}

/** The same with a folder that the test itself removes. */
export async function setSceneIn(folder: string, files: Readonly<Record<string, string>>): Promise<Scene> {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const select: Scene['select'] = (given = {}, environment = {}, input = '') =>
    resolveSelection({ images: [], ...given }, { environment, folder, input: chunksOf(input) });
  return {
    folder,
    at: (name) => join(folder, name),
    select,
    names: async (given, environment) => (await select(given, environment)).patterns.map(({ text }) => text),
  };
}

async function* chunksOf(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}
