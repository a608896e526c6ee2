/** The names of views: what a mount can show besides the stick. */

export const viewNames = ['images.tar', 'images.tar.zst', 'oci', 'images', 'layers'] as const;

export type ViewName = (typeof viewNames)[number];

/** Views that are one file; the others are folders. */
export function isFileView(name: ViewName): boolean {
  return name === 'images.tar' || name === 'images.tar.zst';
}

/** The view that `text` names, with a slash behind a folder or without; undefined where there is none. */
export function findViewName(text: string): ViewName | undefined {
  return viewNames.find((name) => text === name || (!isFileView(name) && text === `${name}/`));
}
