/** Names what somebody took for a tar archive and is none, by how it starts. */
import type { ErrorCode } from '../../ground/errors.ts';
import { copyAsBinary } from './explain-changed-bytes.ts';

export interface ForeignBytes {
  /** archive-corrupt for an archive that something has changed, archive-unsupported for what never was one. */
  readonly code: Extract<ErrorCode, 'archive-corrupt' | 'archive-unsupported'>;
  /** Behind "it is not a tar archive, but". */
  readonly what: string;
  readonly hint: string;
}

interface Kind {
  /** For the first bytes as letters (latin1). */
  readonly text?: RegExp;
  /** For the first bytes in hexadecimal. */
  readonly hex?: RegExp;
  readonly what: string;
  readonly hint: string;
  readonly code?: ForeignBytes['code'];
}

const saveAgain = 'Save the images again, and let docker write the file: docker save -o images.tar IMAGE...';
const unpack = 'Unpack it first, and name the archive of images that is in it.';
const download =
  'Look at its text: a login page or an error was saved in place of the file. Download the file again.';
const notImages = 'Name an archive that docker save, podman save or skopeo wrote.';

/** The first that fits counts. */
const kinds: readonly Kind[] = [
  {
    hex: /^(?:fffe|feff|(?:(?!00)[^]{2}00){16}|(?:00(?!00)[^]{2}){16})/,
    what: 'text in UTF-16: > of PowerShell writes that, and changes every byte',
    hint: saveAgain,
    code: 'archive-corrupt',
  },
  {
    // The marks of gzip, xz and zstd, read as Latin 1, Windows 1252 or broken UTF-8 and written as UTF-8.
    hex: /^(?:efbbbf)?(?:1f(?:c28b|e280b9|efbfbd)|(?:c3bd|efbfbd)377a585a|28(?:c2b5|efbfbd)2f)/,
    what: 'a compressed file that was taken for text and written again in UTF-8, which changes its bytes',
    hint: copyAsBinary,
    code: 'archive-corrupt',
  },
  {
    text: /^version https:\/\/git-lfs/,
    what: 'a pointer of Git LFS',
    hint: 'Fetch the file that it stands for: git lfs pull',
  },
  {
    text: /^(?:\.\.\/)*(?:\.git)?\/annex\/objects\//,
    what: 'a pointer of git-annex',
    hint: 'Fetch the file that it stands for: git annex get FILE',
  },
  {
    text: /^(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body|!--)/i,
    what: 'an HTML page',
    hint: download,
  },
  { text: /^(?:\xef\xbb\xbf)?\s*<(?:\?xml|[A-Za-z]+[ >])/, what: 'XML', hint: download },
  { text: /^(?:\xef\xbb\xbf)?\s*[{[]\s*["{[\]}\d-]/, what: 'JSON', hint: download },
  {
    hex: /^efbbbf/,
    what: 'text in UTF-8 with a mark in front: Out-File of PowerShell writes that, and changes bytes',
    hint: saveAgain,
    code: 'archive-corrupt',
  },
  {
    text: /^HTTP\/\d/,
    what: 'an HTTP answer with its header',
    hint: 'Download the file again, without the header: curl -o FILE, without -i.',
  },
  {
    text: /^begin(?:-base64)? [0-7]{3,4} /,
    what: 'text that uuencode wrote',
    hint: 'Decode it first: uudecode FILE',
  },
  {
    text: /^(?:-----BEGIN |age-encryption\.org|Salted__)/,
    what: 'encrypted',
    hint: 'Decrypt it first.',
  },
  {
    text: /^(?:[A-Za-z0-9+/]{60,76}\r?\n){2}|^[A-Za-z0-9+/]{256,}/,
    what: 'text in base64',
    hint: 'Decode it first: base64 -d FILE | bundlefs ... --from -',
  },
  {
    hex: /^1f8b/,
    what: 'gzip once more: it was compressed twice',
    hint: 'Decompress it once: gzip -dc FILE | bundlefs ... --from -',
  },
  {
    hex: /^fd377a585a00/,
    what: 'xz once more: it was compressed twice',
    hint: 'Decompress it once: xz -dc FILE | bundlefs ... --from -',
  },
  {
    hex: /^28b52ffd/,
    what: 'zstd once more: it was compressed twice',
    hint: 'Decompress it once: zstd -dc FILE | bundlefs ... --from -',
  },
  {
    text: /^BZh[1-9]/,
    what: 'compressed with bzip2',
    hint: 'Decompress it first: bzip2 -dc FILE | bundlefs ... --from -',
  },
  {
    text: /^LZIP/,
    what: 'compressed with lzip',
    hint: 'Decompress it first: lzip -dc FILE | bundlefs ... --from -',
  },
  {
    hex: /^894c5a4f00/,
    what: 'compressed with lzop',
    hint: 'Decompress it first: lzop -dc FILE | bundlefs ... --from -',
  },
  {
    hex: /^1f(?:9d|a0)/,
    what: 'compressed with compress',
    hint: 'Decompress it first: gzip -dc FILE | bundlefs ... --from -',
  },
  {
    hex: /^5d0000..(?:..){1}(?:f{16}|.{10}000000)/,
    what: 'compressed as .lzma',
    hint: 'Decompress it first: xz -dc --format=lzma FILE | bundlefs ... --from -',
  },
  { hex: /^ff060000734e61507059/, what: 'compressed with snappy', hint: 'Decompress it first.' },
  { hex: /^504b(?:0304|0506|0708)/, what: 'a zip file', hint: unpack },
  { hex: /^377abcaf271c/, what: 'a 7z file', hint: unpack },
  { hex: /^526172211a07/, what: 'a rar file', hint: unpack },
  { text: /^0707(?:0[127])/, what: 'a cpio archive', hint: notImages },
  { text: /^!<arch>\n/, what: 'an ar archive or a Debian package', hint: notImages },
  { hex: /^edabeedb/, what: 'an RPM package', hint: notImages },
  { text: /^(?:hsqs|sqsh)/, what: 'a squashfs image', hint: notImages },
  { text: /^QFI\xfb/, what: 'the disk of a virtual machine', hint: notImages },
  { hex: /^7f454c46/, what: 'a program', hint: notImages },
  { text: /^MZ/, what: 'a program for Windows', hint: notImages },
  { text: /^%PDF-/, what: 'a PDF', hint: notImages },
  { text: /^#!/, what: 'a script', hint: notImages },
];

/** What the bytes are that start with `start`, where that is known; 512 bytes are enough. */
export function nameForeignBytes(start: Uint8Array): ForeignBytes | undefined {
  const bytes = Buffer.from(start.subarray(0, 512));
  const [letters, digits] = [bytes.toString('latin1'), bytes.toString('hex')];
  const known = kinds.find(({ text, hex }) => text?.test(letters) ?? hex?.test(digits));
  if (known === undefined) return isText(bytes) ? nameText(letters) : undefined;
  const { code = 'archive-unsupported', what, hint } = known;
  return { code, what, hint };
}

/**
 * Whether there are letters and blanks and nothing else: the start of a member's name has no blank. Other than in binary
 * data, few bytes in a row are beyond ASCII.
 */
function isText(bytes: Buffer): boolean {
  const isBlank = (byte: number): boolean => [0x09, 0x0a, 0x0d, 0x20].includes(byte);
  const isLetter = (byte: number): boolean => byte > 0x20 && byte !== 0x7f;
  const isShown = bytes.every((byte) => isLetter(byte) || isBlank(byte) || byte === 0x1b);
  return isShown && bytes.some(isBlank) && !/[\x80-\xff]{8}/.test(bytes.toString('latin1'));
}

function nameText(letters: string): ForeignBytes {
  const [line = ''] = /[ -~]+/.exec(letters.slice(0, 60)) ?? [];
  return {
    code: 'archive-corrupt',
    what: line.trim() === '' ? 'text' : `text: "${line.trim()}"`,
    hint: 'A message may have been written in place of the file, or before it. Save or copy it again.',
  };
}
