/** Media that a bundle is carried on, and how large a file may be there. */

const mib = 2 ** 20;

/** The most bytes of one part. On discs there is one part a disc, and room for the small files and the file system beside it. */
export const mediaPartSizes = {
  /** The largest file of FAT32 (Microsoft FAT specification, DIR_FileSize: 32 bits). */
  fat32: 2 ** 32 - 1,
  /** Of the 360,000 sectors of 2048 bytes of an 80-minute disc, 3 MiB are left. */
  cd: 700 * mib,
  /** Of the 2,295,104 sectors of a DVD+R, the smaller of the two kinds, 16 MiB are left. */
  dvd: 2_295_104 * 2048 - 16 * mib,
} as const;

export type MediaName = keyof typeof mediaPartSizes;

export const mediaNames = Object.keys(mediaPartSizes) as readonly MediaName[];
