/** The names of views: what a mount can show besides the stick. */

export const viewNames = ['images.tar', 'oci', 'images', 'layers'] as const;

export type ViewName = (typeof viewNames)[number];

/** The view that `text` names, with a slash behind a folder or without; undefined where there is none. */
export function findViewName(text: string): ViewName | undefined {
  return viewNames.find((name) => text === name || (name !== 'images.tar' && text === `${name}/`));
}
