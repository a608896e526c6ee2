/** The layout that `docker save` wrote up to version 24: a folder a layer, duplicates as symlinks, metadata last. */
import { epoch, sha256 } from './make-image.mjs';

/** @typedef {import('./pack-tar.mjs').TarMember} TarMember */
/** @typedef {import('./make-image.mjs').MadeImage} MadeImage */

/**
 * @typedef {TarMember & { content?: Uint8Array, holds?: string }} ArchiveMember
 *   `holds` is the digest (64 hex digits) of the layer's tar or the config that is in it.
 */

/**
 * The members of the archive of `images`, in docker's order: by hex name, then manifest.json and repositories.
 * A layer that comes again under another chain is a symlink to the first one, which may stand behind it.
 * @param {readonly MadeImage[]} images
 * @returns {ArchiveMember[]}
 */
export function legacyMembers(images) {
  /** @type {Map<string, ArchiveMember[]>} */
  const entries = new Map();
  /** @type {Map<string, string>} diffId to the folder that has the bytes */
  const folders = new Map();
  /** @type {Record<string, Record<string, string>>} */
  const repositories = {};
  const manifest = images.map((image) => {
    const configName = sha256(image.config);
    entries.set(configName, [
      { name: `${configName}.json`, content: image.config, mtime: epoch, holds: configName },
    ]);
    let parent = '';
    const layers = image.layers.map((layer, index) => {
      const diffId = sha256(layer);
      const isLast = index === image.layers.length - 1;
      const id = sha256(`${parent} ${diffId} ${isLast ? configName : ''}`);
      if (!entries.has(id))
        entries.set(id, layerFolder({ id, parent, diffId, layer, first: folders.get(diffId) }));
      if (!folders.has(diffId)) folders.set(diffId, id);
      parent = id;
      return `${id}/layer.tar`;
    });
    for (const tag of image.tags) {
      const colon = tag.lastIndexOf(':');
      (repositories[tag.slice(0, colon)] ??= {})[tag.slice(colon + 1)] = parent;
    }
    const tags = image.tags.length === 0 ? null : image.tags;
    return { Config: `${configName}.json`, RepoTags: tags, Layers: layers };
  });
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, members]) => members);
  const hasTags = Object.keys(repositories).length > 0;
  return [
    ...sorted,
    jsonMember('manifest.json', manifest),
    ...(hasTags ? [jsonMember('repositories', repositories)] : []),
  ];
}

/**
 * @param {{ id: string, parent: string, diffId: string, layer: Uint8Array, first: string | undefined }} options
 * @returns {ArchiveMember[]}
 */
function layerFolder({ id, parent, diffId, layer, first }) {
  const created = new Date(epoch * 1000).toISOString();
  const json = { id, ...(parent === '' ? {} : { parent }), created, os: 'linux' };
  /** @type {ArchiveMember} */
  const tar =
    first === undefined
      ? { name: `${id}/layer.tar`, content: layer, holds: diffId }
      : { name: `${id}/layer.tar`, type: 'symlink', linkName: `../${first}/layer.tar`, mode: 0o777 };
  /** @type {ArchiveMember[]} */
  const members = [
    { name: `${id}/`, type: 'directory' },
    { name: `${id}/VERSION`, content: Buffer.from('1.0') },
    { name: `${id}/json`, content: Buffer.from(JSON.stringify(json)) },
    tar,
  ];
  return members.map((member) => ({ ...member, mtime: epoch }));
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {ArchiveMember}
 */
function jsonMember(name, value) {
  return { name, content: Buffer.from(`${JSON.stringify(value)}\n`) };
}
