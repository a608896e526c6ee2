/** `extends` of Compose services, as compose-go resolves it (loader/extends.go): within one document, before it is merged with others. */
import { dirname } from 'node:path';
import { fileFault } from '../file-fault.ts';
import type { Lookup } from './interpolate.ts';
import type { LoadedFiles } from './loaded-files.ts';
import { type ComposeDocument, readDocument } from './parse-compose.ts';
import {
  mergeServices,
  overrideServices,
  removeKeys,
  type ServiceModel,
  type Services,
} from './service-model.ts';

export interface ExtendOptions {
  readonly files: LoadedFiles;
  readonly lookup: Lookup;
}

/** Every service of `document` with what it extends below it. Throws selection-invalid. */
export async function extendServices(document: ComposeDocument, options: ExtendOptions): Promise<Services> {
  const done = new Map<string, ServiceModel>();
  for (const name of document.services.keys()) {
    done.set(name, await extendService({ document, services: document.services }, name, [], options));
  }
  return done;
}

/** Where a service that is extended is looked for. */
interface Scope {
  readonly document: ComposeDocument;
  readonly services: Services;
}

async function extendService(
  scope: Scope,
  name: string,
  below: readonly string[],
  options: ExtendOptions,
): Promise<ServiceModel> {
  const { document, services } = scope;
  const service = services.get(name);
  if (service === undefined)
    throw document.fault(name, `there is no service "${name}", which "extends" names`);
  const { extends: extended, ...own } = service;
  if (extended === undefined) return service;
  const key = `${document.path}\0${name}`;
  if (below.includes(key)) throw document.fault(name, `service "${name}" extends itself`);
  const base = extended.file === undefined ? scope : await readScope(extended.file, options);
  if (!base.services.has(extended.service)) {
    throw document.fault(
      name,
      `service "${name}" extends "${extended.service}", which is not in "${base.document.path}"`,
    );
  }
  const inherited = await extendService(base, extended.service, [...below, key], options);
  const removed = document.removals.get(name) ?? 'all';
  return mergeServices(removed === 'all' ? inherited : removeKeys(inherited, removed), own);
}

/** All documents of a file together. What the file includes is not looked at. */
async function readScope(file: string, { files, lookup }: ExtendOptions): Promise<Scope> {
  const options = { path: file, lookup, folder: dirname(file) };
  const documents = (await files.readCompose(file)).map((document) => readDocument(document, options));
  const document = documents.at(-1);
  if (document === undefined) throw fileFault(file, undefined, 'it is empty, a Compose file was expected');
  const services = documents.reduce<Services>(
    (merged, { services, removals }) => overrideServices(merged, services, removals),
    new Map(),
  );
  return { document, services };
}
