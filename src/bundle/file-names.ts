/** What the files of a stick are called. */

/** The whole archive; its parts have a number behind it. */
export const archiveName = 'images.tar.xz';
/** A name that belongs to a part of the archive, or to all of it. */
export const archivePattern = /^images\.tar\.xz(\.[0-9]{3,})?$/;
/** The digests of all others. */
export const sumsName = 'SHA256SUMS';
/** What is on the stick, for programs. */
export const descriptionName = 'bundle.json';
/** The same for people. */
export const pageName = 'index.html';
export const scriptNames: readonly string[] = ['load.sh', 'verify.sh'];
/** Of a mount with --delta-from. */
export const deltaName = 'update.delta';

/** On every stick, beside the archive. */
export const smallNames: readonly string[] = [sumsName, ...scriptNames, descriptionName, pageName];

/** Whether a file of this name can be one of a stick. */
export function isStickName(name: string): boolean {
  return archivePattern.test(name) || smallNames.includes(name) || name === deltaName;
}
