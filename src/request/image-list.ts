/** Lists of images as text: one a line, as `--images-file` takes them. */
import { hintLines, isBundleError } from '../ground/errors.ts';
import { parseReference, type Reference } from '../image/reference.ts';
import { fileFault } from './file-fault.ts';

/**
 * The images in `text`, that of the list at `path`: one name or pattern a line. What stands behind a # at the start of
 * a line or after a space is a comment; lines may end as on Windows. Throws selection-invalid with the line.
 */
export function parseImageList(text: string, path: string): Reference[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const name = line.replace(/(^|\s)#.*$/, '').trim();
    if (name === '') return [];
    const position = { line: index + 1, column: line.indexOf(name) + 1 };
    if (/\s/.test(name))
      throw fileFault(path, position, `"${name}" has a space in it, one image a line was expected`);
    try {
      return [parseReference(name)];
    } catch (error) {
      if (!isBundleError(error)) throw error;
      throw fileFault(path, position, error.message, { cause: error, hint: hintLines(error) });
    }
  });
}
