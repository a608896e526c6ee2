/** The lists that a registry gives: tags of a repository, and repositories. */
import * as z from 'zod';
import { BundleError, describeError } from '../../ground/errors.ts';
import { checkShape } from '../../ground/explain-shape.ts';
import { registryLimits } from './talk/limits.ts';
import { pullScope, type ReadManifestOptions } from './manifests.ts';
import type { RegistryClient } from './talk/registry-client.ts';

const tagsSchema = z.object({ tags: z.array(z.string()).nullish() });
const catalogSchema = z.object({ repositories: z.array(z.string()).nullish() });

/** The tags of a repository; none where there is no such repository. Throws what the client throws. */
export async function listTags(
  client: RegistryClient,
  path: string,
  { signal }: ReadManifestOptions = {},
): Promise<string[]> {
  return listPages(client, {
    what: `list the tags of ${path}`,
    path: `/v2/${path}/tags/list`,
    scopes: [pullScope(path)],
    read: (value) => readAs(value, tagsSchema).tags ?? [],
    pattern: /^\w[\w.-]{0,127}$/,
    signal,
  });
}

/** All repositories. Many registries do not give this list. Throws what the client throws. */
export async function listRepositories(
  client: RegistryClient,
  { signal }: ReadManifestOptions = {},
): Promise<string[]> {
  return listPages(client, {
    what: 'list the repositories',
    path: '/v2/_catalog',
    scopes: ['registry:catalog:*'],
    read: (value) => readAs(value, catalogSchema).repositories ?? [],
    pattern: /^(?=.{1,255}$)[a-z0-9]+(?:(?:\/|\.|__?|-+)[a-z0-9]+)*$/,
    signal,
  });
}

interface PagedList {
  readonly what: string;
  readonly path: string;
  readonly scopes: readonly string[];
  readonly read: (value: unknown) => readonly string[];
  /** What is no such name is passed over: nothing can be asked for by it. */
  readonly pattern: RegExp;
  readonly signal: AbortSignal | undefined;
}

/** distribution-spec, "Listing Tags": the next page is named by a Link header. */
async function listPages(
  client: RegistryClient,
  { what, path, scopes, read, pattern, signal }: PagedList,
): Promise<string[]> {
  const found = new Set<string>();
  const { pageCount, idlePageCount, nameCount, pageSize } = registryLimits;
  let idleCount = 0;
  let next: string | undefined = path;
  for (let page = 1; next !== undefined; page += 1) {
    if (page > pageCount) throw endless(client, what, `it has more than ${pageCount} pages`);
    const { status, headers, bytes } = await client.ask({
      what,
      path: next,
      scopes,
      wanted: [200, 404],
      limit: pageSize,
      signal,
    });
    if (status === 404) break;
    const before = found.size;
    for (const name of readPage(client, what, bytes, read)) if (pattern.test(name)) found.add(name);
    if (found.size > nameCount) throw endless(client, what, `it has more than ${nameCount} names`);
    idleCount = found.size === before ? idleCount + 1 : 0;
    if (idleCount > idlePageCount) throw endless(client, what, `${idleCount} pages had nothing new`);
    const link = /<([^>]*)>\s*;\s*rel="?next"?/.exec([headers['link'] ?? ''].flat().join(','))?.[1];
    next = link === undefined ? undefined : resolveLink(link, next);
  }
  return [...found];
}

/** Links are below the registry, wherever it thinks that it is. */
function resolveLink(link: string, page: string): string | undefined {
  const base = new URL(page, 'http://registry.invalid');
  if (!URL.canParse(link, base.href)) return undefined;
  const { pathname, search } = new URL(link, base);
  return `${pathname}${search}`;
}

function readPage(
  { host, failureCode }: RegistryClient,
  what: string,
  bytes: Uint8Array,
  read: PagedList['read'],
): readonly string[] {
  try {
    return read(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    const fault = error instanceof SyntaxError ? 'it is not JSON' : describeError(error);
    throw new BundleError(failureCode, `Cannot ${what} at ${host}: its answer is not such a list: ${fault}`, {
      cause: error,
      hint: `Is ${host} a registry?`,
    });
  }
}

function readAs<T>(value: unknown, schema: z.ZodType<T>): T {
  const shaped = checkShape(value, schema);
  if (shaped.isRight) return shaped.data;
  throw new Error(shaped.fault, { cause: shaped.cause });
}

function endless({ host, failureCode }: RegistryClient, what: string, fault: string): BundleError {
  return new BundleError(failureCode, `Cannot ${what} at ${host}: the list does not end, ${fault}`, {
    hint: 'Name the images themselves, without a pattern. Whoever runs the registry may want to know.',
  });
}
