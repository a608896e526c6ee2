/** The names of views: what a mount can show besides the stick. */

export const viewNames = ['images.tar', 'images.tar.zst', 'oci', 'images', 'layers'] as const;

export type ViewName = (typeof viewNames)[number];

/** Views that are one file; the others are folders. */
export function isFileView(name: ViewName): boolean {
  return name === 'images.tar' || name === 'images.tar.zst';
}

/** Views whose content is decoded when it is read; the others are blocks and frames as they are stored. */
export function isDecodedView(name: ViewName): boolean {
  return name !== 'images.tar.zst' && name !== 'images';
}

/** The view that `text` names, with a slash behind a folder or without; undefined where there is none. */
export function findViewName(text: string): ViewName | undefined {
  return viewNames.find((name) => text === name || (!isFileView(name) && text === `${name}/`));
}
