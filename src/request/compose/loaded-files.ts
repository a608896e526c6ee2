/** The files that one run of loadCompose has read: Compose files and those of variables. */
import { fileFault } from '../file-fault.ts';
import { findTextFile, readTextFile } from '../read-text-file.ts';
import type { YamlDocument } from '../yaml-document.ts';
import { parseDotEnv } from './dot-env.ts';
import type { Lookup } from './interpolate.ts';
import { parseCompose } from './parse-compose.ts';

/** More than any project has; include and extends could otherwise multiply without end. */
const mostFiles = 1000;

export class LoadedFiles {
  /** Absolute paths, those of files included that may come to be. */
  readonly paths = new Set<string>();
  /** One file may be extended by many services. */
  readonly #documents = new Map<string, readonly YamlDocument[]>();
  #count = 0;

  /** The documents of a Compose file. Throws selection-invalid. */
  async readCompose(path: string): Promise<readonly YamlDocument[]> {
    this.#count += 1;
    if (this.#count > mostFiles)
      throw fileFault(path, undefined, `more than ${mostFiles} files are included or extended`);
    this.paths.add(path);
    const documents =
      this.#documents.get(path) ?? parseCompose(await readTextFile(path, 'a Compose file'), path);
    this.#documents.set(path, documents);
    return documents;
  }

  /** A lookup in what `above` has and, where that has nothing, in these files, of which later ones go before. Throws selection-invalid. */
  async readEnv(paths: readonly string[], above: Lookup): Promise<Lookup> {
    const variables = new Map<string, string>();
    for (const path of paths) {
      this.paths.add(path);
      parseDotEnv(await readTextFile(path, 'a file of variables'), path, variables, above);
    }
    return (name) => above(name) ?? variables.get(name);
  }

  /** The same with the file at `path`, where there is one. */
  async findEnv(path: string, above: Lookup): Promise<Lookup> {
    this.paths.add(path);
    const variables = new Map<string, string>();
    const text = await findTextFile(path, 'a file of variables');
    if (text !== undefined) parseDotEnv(text, path, variables, above);
    return (name) => above(name) ?? variables.get(name);
  }
}
