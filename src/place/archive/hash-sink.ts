/** A sink that keeps nothing of a layer but what it hashes to. */
import { type DiffId, finishDigest, startDigest } from '../../ground/digest.ts';
import type { LayerSink } from '../../image/image-source.ts';
import { TarCheck } from '../../format/tar/tar-check.ts';

/** Reads every layer it is given; has none. */
export function createHashSink(): LayerSink {
  return {
    hasLayer: () => Promise.resolve(false),
    async addLayer(content) {
      const hash = startDigest();
      const check = new TarCheck();
      let size = 0;
      for await (const chunk of content) {
        hash.update(chunk);
        check.push(chunk);
        size += chunk.length;
      }
      return { diffId: finishDigest(hash) as DiffId, size, tarFault: check.findFaultAtEnd() };
    },
    findConfig: () => Promise.resolve(undefined),
    keepConfig: () => Promise.resolve(),
  };
}
