/** Makes images in memory: layers from lists of files, and configs that fit them. */
import { createHash } from 'node:crypto';
import { collect, packTar } from './pack-tar.mjs';
import { createRandom, pseudoBinary, pseudoText } from './pseudo-content.mjs';

/** @typedef {import('./pack-tar.mjs').TarMember} TarMember */

/**
 * @typedef {object} MadeImage
 * @property {string} name What to call it in code; not part of its bytes.
 * @property {readonly string[]} tags As docker shows them (`shop/web:1`); none for an untagged image.
 * @property {Buffer} config The exact config bytes.
 * @property {readonly Buffer[]} layers Uncompressed tars, lowest first.
 */

/** The moment at which everything was made: 1 June 2024, noon, UTC. */
export const epoch = 1717243200;
const created = new Date(epoch * 1000).toISOString();

/**
 * The sha256 of `bytes` as 64 hex digits.
 * @param {string | Uint8Array} bytes
 */
export function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * A layer's uncompressed tar; `mtime` is the epoch where a member has none.
 * @param {Iterable<TarMember>} members
 */
export function makeLayer(members) {
  return collect(packTar([...members].map((member) => ({ mtime: epoch, ...member }))));
}

/**
 * A folder and `count` files in it, of `smallest` to `largest` bytes; a share `binary` (0 to 1) of them is
 * pseudo-binary, the others pseudo-text. Every file has a seed of its own, so the first ten are the same in any count.
 * @param {string} top
 * @param {{ seed: string, count: number, smallest: number, largest: number, binary?: number }} options
 * @returns {(TarMember & { content?: Buffer })[]}
 */
export function makeTree(top, { seed, count, smallest, largest, binary = 0 }) {
  const files = Array.from({ length: count }, (_, index) => {
    const random = createRandom(`${seed}/${top}/${index}`);
    const size = smallest + random.below(largest - smallest);
    const isBinary = random.next() / 0x100000000 < binary;
    return {
      name: `${top}/${String(index).padStart(4, '0')}.${isBinary ? 'bin' : 'js'}`,
      content: isBinary ? pseudoBinary(random, size) : pseudoText(random, size),
    };
  });
  return [{ name: `${top}/`, type: 'directory' }, ...files];
}

/**
 * An image of these layers, with a config as a builder writes it: one history entry a layer, then an empty one.
 * @param {{ name: string, tags: readonly string[], layers: readonly Buffer[] }} parts
 * @returns {MadeImage}
 */
export function makeImage({ name, tags, layers }) {
  const config = {
    architecture: 'amd64',
    os: 'linux',
    created,
    config: { Env: ['PATH=/usr/local/bin:/usr/bin:/bin'], Cmd: ['/healthcheck.sh'], WorkingDir: '/' },
    history: [
      ...layers.map((_, index) => ({ created, created_by: `layer ${index} of ${name}` })),
      { created, created_by: 'CMD ["/healthcheck.sh"]', empty_layer: true },
    ],
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
  };
  return { name, tags, layers, config: Buffer.from(JSON.stringify(config)) };
}
