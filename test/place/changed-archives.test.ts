/** What is given in place of an archive, or was made of one by a text tool: it is named, and what to do is said. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { inspectArchive } from '../../src/inspect/inspect-archive.ts';
import { verifyArchive } from '../../src/inspect/verify-archive.ts';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { legacyArchive } from '../fixtures/write-legacy-archive.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { catchError, inOne, openers, read } from './archive/read-hostile.ts';

let tar: Buffer;
let gzip: Buffer;
let xz: Buffer;

beforeAll(async () => {
  const [web] = await buildSampleImages();
  if (web === undefined) throw new TypeError('There is no fixture');
  const noise = randomBytes(200_000); // for damage shows in data that has all bytes
  const layers = [...web.layers.slice(0, -1), Buffer.concat([noise, Buffer.alloc(1024)])];
  const chunks: Uint8Array[] = [];
  for await (const chunk of legacyArchive([{ ...web, layers }])) chunks.push(chunk);
  tar = Buffer.concat(chunks);
  gzip = gzipSync(tar);
  xz = execFileSync('xz', ['-0c'], { input: tar, maxBuffer: 64 * 1024 * 1024 });
});

const lineEnds = (bytes: Buffer): Buffer =>
  Buffer.from(bytes.toString('latin1').replaceAll('\n', '\r\n'), 'latin1');
const asUtf8 = (bytes: Buffer): Buffer => Buffer.from(bytes.toString('utf8'), 'utf8');
const latin1AsUtf8 = (bytes: Buffer): Buffer => Buffer.from(bytes.toString('latin1'), 'utf8');
const utf16 = (bytes: Buffer): Buffer => Buffer.from(bytes.toString('latin1'), 'utf16le');
const text = (content: string) => (): Buffer => Buffer.from(content);
const program =
  (name: string, ...args: string[]) =>
  (): Buffer =>
    execFileSync(name, args, { input: tar, maxBuffer: 64 * 1024 * 1024 });

const cases: Readonly<Record<string, readonly [make: () => Buffer, says: RegExp]>> = {
  'UTF-16 with a mark': [
    () => Buffer.concat([Buffer.from('fffe', 'hex'), utf16(tar)]),
    /UTF-16.*PowerShell[^]*docker save -o/,
  ],
  'UTF-16, big end first': [
    () => Buffer.concat([Buffer.from('feff', 'hex'), utf16(tar).swap16()]),
    /UTF-16.*PowerShell/,
  ],
  'UTF-16 without a mark': [() => utf16(tar), /UTF-16/],
  'UTF-16 of gzip': [() => Buffer.concat([Buffer.from('fffe', 'hex'), utf16(gzip)]), /UTF-16/],
  'UTF-8 with a mark': [
    () => Buffer.concat([Buffer.from('efbbbf', 'hex'), asUtf8(tar)]),
    /UTF-8[^]*docker save -o/,
  ],
  'a tar read as UTF-8': [() => asUtf8(tar), /taken for text[^]*docker save -o/],
  'gzip read as UTF-8': [() => asUtf8(gzip), /taken for text/],
  'xz read as UTF-8': [() => asUtf8(xz), /taken for text/],
  'gzip read as Latin 1': [() => latin1AsUtf8(gzip), /taken for text/],
  'xz read as Latin 1': [() => latin1AsUtf8(xz), /taken for text/],
  'a tar with other line ends': [() => lineEnds(tar), /line end has become two bytes/],
  'gzip with other line ends': [() => lineEnds(gzip), /line end has become two bytes/],
  'xz with other line ends': [() => lineEnds(xz), /line end has become two bytes/],
  'base64 in lines': [program('base64'), /base64 -d/],
  'base64 in one line': [program('base64', '-w0'), /base64 -d/],
  'an HTML page': [text('<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n'), /HTML page/],
  'a short HTML page': [text('\n<html>404'), /HTML page/],
  'a long HTML page': [text(`<HTML>${'x'.repeat(5000)}</HTML>`), /HTML page/],
  'an error of S3': [text('<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>'), /XML/],
  'an error in JSON': [text('{"message":"Not Found"}'), /JSON/],
  'a pointer of Git LFS': [
    text(`version https://git-lfs.github.com/spec/v1\noid sha256:${'ab'.repeat(32)}\nsize 12345\n`),
    /Git LFS[^]*git lfs pull/,
  ],
  'a pointer of git-annex': [text('/annex/objects/SHA256E-s7--abc.tar\n'), /git-annex/],
  'an error of docker': [
    text('Error response from daemon: reference does not exist\n'),
    /text: "Error response from daemon/,
  ],
  'a message and then the archive': [
    () =>
      Buffer.concat([
        Buffer.from(
          'WARNING: this is a very long line from a program, and it goes on like that.\n'.repeat(9),
        ),
        tar,
      ]),
    /text: "WARNING/,
  ],
  'a zip file': [() => Buffer.concat([Buffer.from('504b030414000000', 'hex'), tar]), /a zip file/],
  'a 7z file': [() => Buffer.concat([Buffer.from('377abcaf271c0004', 'hex'), tar]), /a 7z file/],
  'a rar file': [() => Buffer.concat([Buffer.from('526172211a0701', 'hex'), tar]), /a rar file/],
  'a Debian package': [
    () => Buffer.concat([Buffer.from('!<arch>\ndebian-binary   '), tar]),
    /Debian package/,
  ],
  'a program': [() => Buffer.concat([Buffer.from('7f454c46020101', 'hex'), tar]), /a program/],
  'gzip twice': [() => gzipSync(gzip), /compressed twice/],
  'xz in gzip': [() => gzipSync(xz), /compressed twice/],
  '.lzma': [program('xz', '-0c', '--format=lzma'), /\.lzma/],
};

describe.each(Object.keys(cases))('%s in place of an archive', (name) => {
  it('is named in one line, by a file, standard input, verify and inspect', async () => {
    const [make, says] = cases[name] ?? [text(''), /nothing/];
    const bytes = make();
    const path = join(await makeTempFolder(), 'images.tar');
    await writeFile(path, bytes);
    const works = [
      ...Object.values(openers).map((open) => async () => read(await open(inOne(bytes)))),
      () => verifyArchive(path),
      () => inspectArchive(path),
    ];
    for (const work of works) {
      const { code, message, hint = '' } = await catchError(work());
      expect([
        'archive-corrupt',
        'archive-unsupported',
        'archive-truncated',
        'xz-corrupt',
        'xz-truncated',
      ]).toContain(code);
      expect(message.split('\n')).toHaveLength(1);
      expect(`${message}\n${hint}`).toMatch(says);
    }
  });
});

describe('an archive that is cut off, or damaged otherwise', () => {
  it('is not said to be text', async () => {
    for (const whole of [tar, gzip, xz]) {
      const damaged = Buffer.from(whole);
      damaged.fill(0xa5, 20_000, 30_000);
      for (const bytes of [whole.subarray(0, 100), whole.subarray(0, 50_000), damaged]) {
        for (const open of Object.values(openers)) {
          const { message, hint = '' } = await catchError(read(await open(inOne(bytes))));
          expect(`${message} ${hint}`).not.toMatch(/text|UTF|line end/);
        }
      }
    }
  });
});
