/** What verbs print that make one image of another. */
import { hexOf } from '../../ground/digest.ts';
import { printJson, printLines } from '../../ground/print.ts';
import type { Transformed } from '../../request/made/transformed.ts';
import { describeWritten } from './describe-written.ts';
import { loadedToText } from './loaded-to-text.ts';

/** What the verb itself says of the image that was made: a line, and fields of its JSON. */
export interface OutcomeText {
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export function printTransformed(
  { image, result, seconds }: Transformed,
  { text, fields }: OutcomeText,
  { json }: { readonly json?: boolean },
): void {
  if (json === true) {
    printJson({ image, ...fields, ...toFields(result), seconds: Math.round(seconds * 1000) / 1000 });
  } else if ('written' in result) {
    printLines([text, `${describeWritten(result.written)}${result.summary.text}`]);
  } else {
    printLines([text, ...loadedToText(result.loaded)]);
  }
}

function toFields(result: Transformed['result']): object {
  if ('loaded' in result) return { loaded: result.loaded };
  const { path, size, digest, isNew } = result.written;
  return { bundle: { path, size, sha256: hexOf(digest), isNew } };
}
