/** How the line on a file that was written begins. */
import type { WrittenFile } from '../../place/file/write-bundle-file.ts';

/** `images.tar.xz: `, and of a file that was left alone why: what follows is about the bundle, which may have cost work. */
export function describeWritten({ path, isNew }: Pick<WrittenFile, 'path' | 'isNew'>): string {
  return isNew ? `${path}: ` : `${path}: had these bytes already, and was left as it is; `;
}
