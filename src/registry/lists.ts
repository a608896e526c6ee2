/** The lists that a registry gives: tags of a repository, and repositories. */
import { appendAll } from '../long-lists.ts';
import { z } from 'zod';
import { BundleError } from '../errors.ts';
import { pullScope, type ReadManifestOptions } from './manifests.ts';
import type { RegistryClient } from './registry-client.ts';

const tagsSchema = z.object({ tags: z.array(z.string()).nullish() });
const catalogSchema = z.object({ repositories: z.array(z.string()).nullish() });

/** More pages than this are no list that anybody meant. */
const mostPages = 1000;

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
    read: (value) => tagsSchema.parse(value).tags ?? [],
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
    read: (value) => catalogSchema.parse(value).repositories ?? [],
    signal,
  });
}

interface PagedList {
  readonly what: string;
  readonly path: string;
  readonly scopes: readonly string[];
  readonly read: (value: unknown) => readonly string[];
  readonly signal: AbortSignal | undefined;
}

/** distribution-spec, "Listing Tags": the next page is named by a Link header. */
async function listPages(
  client: RegistryClient,
  { what, path, scopes, read, signal }: PagedList,
): Promise<string[]> {
  const found: string[] = [];
  let next: string | undefined = path;
  for (let page = 0; next !== undefined && page < mostPages; page += 1) {
    const { status, headers, bytes } = await client.ask({
      what,
      path: next,
      scopes,
      wanted: [200, 404],
      signal,
    });
    if (status === 404) break;
    appendAll(found, readPage(client, what, bytes, read));
    const link = /<([^>]*)>\s*;\s*rel="?next"?/.exec([headers['link'] ?? ''].flat().join(','))?.[1];
    next = link === undefined ? undefined : resolveLink(link, next);
  }
  return found;
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
    throw new BundleError(failureCode, `Cannot ${what} at ${host}: its answer is not such a list`, {
      cause: error,
      hint: `Is ${host} a registry?`,
    });
  }
}
