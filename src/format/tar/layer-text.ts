/** Names in layers are bytes; here they are text, from which the same bytes come back. */
import { isUtf8 } from 'node:buffer';

/** A byte that is no UTF-8, as 0xe9, stands as U+DCE9, which no UTF-8 gives (as in Python's PEP 383). */
const escapeStart = 0xdc00;
const escapedText = /^[\0-\x7f\udc80-\udcff]*$/;

/** The text of a path. A name in it that is no UTF-8 is taken byte by byte, so that no two names become one. */
export function decodeLayerText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  return bytes.toString('latin1').split('/').map(decodeName).join('/');
}

/** The bytes that decodeLayerText made `text` of. */
export function encodeLayerText(text: string): Buffer {
  return Buffer.from(text.split('/').map(encodeName).join('/'), 'latin1');
}

function decodeName(name: string): string {
  const bytes = Buffer.from(name, 'latin1');
  if (isUtf8(bytes)) return bytes.toString('utf8');
  return name.replace(/[\x80-\xff]/g, (sign) => String.fromCharCode(escapeStart + sign.charCodeAt(0)));
}

/** Its bytes as latin1. */
function encodeName(name: string): string {
  if (!escapedText.test(name)) return Buffer.from(name, 'utf8').toString('latin1');
  return name.replace(/[\udc80-\udcff]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - escapeStart));
}
