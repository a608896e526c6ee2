import { execFileSync, spawn } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSource } from '../../src/place/open-source.ts';
import { expectedImage } from '../fixtures/expected-image.ts';
import { buildSampleImages } from '../fixtures/sample-images.ts';
import { writeHybridArchive } from '../fixtures/write-hybrid-archive.ts';
import { writeOciLayout } from '../fixtures/write-oci-layout.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { createRecordingSink } from './recording-sink.ts';

describe('openSource', () => {
  it('throws archive-not-found for a path that is not there', async () => {
    const folder = await makeTempFolder();
    for (const from of [join(folder, 'none.tar'), `oci:${folder}/none`]) {
      await expect(openSource(from)).rejects.toMatchObject({ code: 'archive-not-found' });
    }
  });

  it('throws archive-empty for an empty file', async () => {
    const path = join(await makeTempFolder(), 'images.tar');
    await writeFile(path, '');
    await expect(openSource(path)).rejects.toMatchObject({ code: 'archive-empty' });
  });

  it('throws archive-unsupported for a folder, and says what to use where it is an OCI layout', async () => {
    const folder = await makeTempFolder();
    await expect(openSource(folder)).rejects.toMatchObject({ code: 'archive-unsupported' });
    await expect(openSource(`oci:${folder}`)).rejects.toMatchObject({ code: 'archive-unsupported' });
    await writeOciLayout(folder, await buildSampleImages());
    const error: unknown = await openSource(folder).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ hint: `It holds an OCI layout: use oci:${folder}` });
    await expect(openSource(`oci:${folder}/index.json`)).rejects.toMatchObject({
      code: 'archive-unsupported',
    });
  });

  it('throws archive-unsupported for what is neither file nor pipe', async () => {
    const path = join(await makeTempFolder(), 's');
    const server = createServer().listen(path);
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const source = openSource(path).then((opened) => opened.readImages([], createRecordingSink()));
    await expect(source).rejects.toMatchObject({ code: 'archive-unsupported' });
  });

  it('says that permission is denied', async () => {
    const folder = await makeTempFolder();
    const path = join(folder, 'images.tar');
    await writeFile(path, 'secret');
    await chmod(path, 0);
    await chmod(folder, 0o755);
    const user = process.geteuid?.();
    if (user === 0) process.seteuid?.(65_534);
    try {
      await expect(openSource(path)).rejects.toMatchObject({
        code: 'source-failed',
        message: expect.stringContaining('permission denied') as string,
      });
    } finally {
      if (user === 0) process.seteuid?.(0);
    }
  });

  it('throws invalid-argument where standard input is a terminal', async () => {
    const input = Object.assign(new PassThrough(), { isTTY: true });
    await expect(openSource('-', { input })).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  it('stops reading standard input that says nothing more when the signal says so', async () => {
    const input = new PassThrough();
    input.write(Buffer.alloc(100));
    const controller = new AbortController();
    const reason = new Error('enough');
    const source = await openSource('-', { input });
    const reading = source.readImages([], createRecordingSink(), {
      signal: controller.signal,
      onRead: () =>
        setImmediate(() => {
          controller.abort(reason);
        }),
    });
    await expect(reading).rejects.toBe(reason);
    expect(input.destroyed).toBe(true);
    await expect(source.readImages([], createRecordingSink())).rejects.toMatchObject({
      code: 'source-failed',
    });
  });

  it('reads a named pipe', async () => {
    const folder = await makeTempFolder();
    const images = await buildSampleImages();
    await writeHybridArchive(join(folder, 'images.tar'), images);
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const writer = spawn('cp', [join(folder, 'images.tar'), pipe]);
    const exit = once(writer, 'exit');
    const source = await openSource(pipe);
    const found = await source.readImages([], createRecordingSink());
    expect(found.map((image) => image.configDigest)).toEqual(
      images.map((image) => expectedImage(image).configDigest),
    );
    expect(await exit).toEqual([0, null]);
  });

  it('describes what it opens', async () => {
    const folder = await makeTempFolder();
    await mkdir(join(folder, 'layout'));
    await writeOciLayout(join(folder, 'layout'), await buildSampleImages());
    const source = await openSource(`oci:${folder}/layout`);
    expect(source.description).toBe(`OCI layout "${folder}/layout"`);
    await source.close();
  });
});
