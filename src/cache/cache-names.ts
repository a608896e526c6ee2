/** The names that files and folders of a cache have (docs/format.md, "The cache"); what has another one is none of ours. */

/** Of blocks, frames and configs: 64 hex digits. */
export const hexForm = /^[0-9a-f]{64}$/;

/** Of documents: a digest's hex digits, or an image id's. */
export const documentForm = /^[0-9a-f]{64}\.json$/;

/** Of the folders of blocks and frames in that of their encoder. */
export const fanOutForm = /^[0-9a-f]{2}$/;

/** Of encoders and profiles. */
export const profileForm = /^[a-z0-9][a-z0-9.-]*$/;

/** Of what was set aside. */
export const badForm = /^[0-9a-f]{16}$/;
