/** Reads a bundle with xz and tar-stream alone, and compares every name with what it stands for. */
import { execFileSync } from 'node:child_process';
import { sha256 } from '../sample/make-image.mjs';
import { readArchive } from '../test/fixtures/read-archive.ts';
import { Finding } from './finding.ts';

interface ManifestEntry {
  readonly Config: string;
  readonly RepoTags: readonly string[] | null;
  readonly Layers: readonly string[];
}

interface Descriptor {
  readonly digest: string;
  readonly size: number;
}

/** What is in a bundle. */
export interface CheckedBundle {
  readonly tar: Buffer;
  /** The digests of the images' configs, 64 hex digits each. */
  readonly configs: readonly string[];
  /** The names of the layers' members, image by image. */
  readonly layers: readonly (readonly string[])[];
}

/** What is in the bundle at `path`. Throws a Finding where anything in it is not what docs/format.md says. */
export async function checkBundle(path: string): Promise<CheckedBundle> {
  const tar = decode(path);
  const members = new Map<string, Buffer>();
  for (const { name, content = Buffer.alloc(0) } of await readArchive([
    tar,
  ] as unknown as AsyncIterable<Uint8Array>)) {
    if (members.has(name)) throw new Finding(`"${name}" is in the bundle twice`);
    members.set(name, content as Buffer);
  }
  for (const [name, content] of members) {
    const hex = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1];
    if (hex === undefined && !['index.json', 'manifest.json', 'oci-layout'].includes(name)) {
      throw new Finding(`"${name}" is in the bundle`);
    }
    if (hex !== undefined && sha256(content) !== hex)
      throw new Finding(`"${name}" has other bytes than it is named after`);
  }
  const get = (name: string): Buffer => {
    const found = members.get(name);
    if (found === undefined) throw new Finding(`"${name}" is not in the bundle`);
    return found;
  };
  const entries = parse(get('manifest.json')) as readonly ManifestEntry[];
  if (entries.length === 0) throw new Finding('there is no image in the bundle');
  for (const entry of entries) checkEntry(entry, get);
  const { manifests } = parse(get('index.json')) as { manifests: readonly Descriptor[] };
  for (const descriptor of manifests) checkManifest(descriptor, get);
  return {
    tar,
    configs: entries.map(({ Config }) => Config.replace('blobs/sha256/', '')),
    layers: entries.map(({ Layers }) => Layers),
  };
}

function checkEntry({ Config, Layers }: ManifestEntry, get: (name: string) => Buffer): void {
  const config = parse(get(Config)) as { rootfs: { diff_ids?: readonly string[] | null } };
  const wanted = (config.rootfs.diff_ids ?? []).map((diffId) => `blobs/${diffId.replace(':', '/')}`);
  if (wanted.join() !== Layers.join())
    throw new Finding(`the layers of "${Config}" are not those of its config`);
  for (const name of Layers) get(name);
}

function checkManifest(descriptor: Descriptor, get: (name: string) => Buffer): void {
  const blobOf = ({ digest, size }: Descriptor): Buffer => {
    const blob = get(`blobs/${digest.replace(':', '/')}`);
    if (blob.length !== size)
      throw new Finding(`the descriptor of ${digest} says ${size} bytes, it has ${blob.length}`);
    return blob;
  };
  const { config, layers } = parse(blobOf(descriptor)) as {
    config: Descriptor;
    layers: readonly Descriptor[];
  };
  for (const part of [config, ...layers]) blobOf(part);
}

function decode(path: string): Buffer {
  try {
    return execFileSync('xz', ['-dc', path], {
      maxBuffer: 256 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    throw new Finding(`xz does not read the bundle: ${String(error)}`);
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    throw new Finding(`a document of the bundle is no JSON: ${String(error)}`);
  }
}
