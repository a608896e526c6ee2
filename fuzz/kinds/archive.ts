/** Archives of images: `docker save` of old and new engines, OCI archives; plain, and read as a stream. */
import { gzipSync } from 'node:zlib';
import { archiveForms, baseArchive, baseConfigs } from '../base-images.ts';
import { Finding } from '../finding.ts';
import { type Built, type FuzzCase, type Kind, sourceCodes } from '../fuzz-case.ts';
import { mutateOften } from '../mutate/bytes.ts';
import { tarMutations } from '../mutate/tar.ts';

export const archiveKind: Kind = {
  name: 'archive',
  about: 'archives of docker save (old and new) and OCI archives: headers, members, PAX, ends',
  async run(fuzz) {
    const { random, changes } = fuzz;
    const form = random.pick(archiveForms);
    changes.push(form);
    const tar = mutateOften(random, await baseArchive(form), tarMutations, changes);
    const built = await buildBothWays(fuzz, tar);
    if (built !== undefined) await checkImages(built);
  },
};

/**
 * Builds the archive by random access, and, compressed, in one pass: what one takes, the other does. What verify calls
 * sound, build takes.
 */
export async function buildBothWays(fuzz: FuzzCase, tar: Buffer): Promise<Built | undefined> {
  const path = fuzz.write('in/images.tar', tar);
  const built = await fuzz.build('random.tar.xz', ['--from', path], sourceCodes);
  const verified = await fuzz.run(['verify', path], /^(?:archive|config|layer|xz|bundle)-/);
  if (verified.error === undefined && built === undefined)
    throw new Finding('verify calls sound what build refuses');
  await fuzz.run(['inspect', '--layers', path], sourceCodes);
  if (tar.length === 0) return undefined;
  const packed = fuzz.write('in/images.tar.gz', gzipSync(tar, { level: 1 }));
  const passed = await fuzz.build('pass.tar.xz', ['--from', packed], sourceCodes);
  if (passed !== undefined && built === undefined)
    throw new Finding('taken as a stream, and refused as a file');
  if (passed !== undefined && built !== undefined && !passed.bytes.equals(built.bytes)) {
    throw new Finding('read as a stream, it is another bundle than read as a file');
  }
  return built;
}

/** Throws a Finding for an image that no base image is: a config that was damaged, under the name that it had. */
export async function checkImages({ content }: Built): Promise<void> {
  const known = await baseConfigs();
  const strange = content.configs.filter((config) => !known.includes(config));
  if (strange.length > 0) throw new Finding(`an image that nobody made is in the bundle: ${strange.join()}`);
}
