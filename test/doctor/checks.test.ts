import { execFileSync } from 'node:child_process';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openCache } from '../../src/cache/cache.ts';
import { checkCache } from '../../src/doctor/check-cache.ts';
import { checkClock } from '../../src/doctor/check-clock.ts';
import { checkEngine } from '../../src/doctor/check-engine.ts';
import { checkAllowOther, checkFusermount } from '../../src/doctor/check-fuse.ts';
import { checkNode } from '../../src/doctor/check-node.ts';
import { checkXz } from '../../src/doctor/check-xz.ts';
import { diagnose } from '../../src/doctor/diagnose.ts';
import { type CheckContext, problemOf } from '../../src/doctor/finding.ts';
import { BundleError } from '../../src/ground/errors.ts';
import { makeTempFolder } from '../support/temp-folder.ts';

const hourMs = 3_600_000;

function contextWith(parts: Partial<CheckContext>): CheckContext {
  return {
    environment: process.env,
    isRoot: true,
    nowMs: Date.now(),
    cache: undefined,
    from: undefined,
    getMaxSize: () => undefined,
    program: [process.execPath],
    engineTimeoutMs: 30_000,
    signal: new AbortController().signal,
    ...parts,
  };
}

/** A folder for PATH in which `xz` is this shell script. */
async function makeXz(script: string): Promise<CheckContext> {
  const folder = await makeTempFolder();
  await writeFile(join(folder, 'xz'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return contextWith({ environment: { PATH: `${folder}:/usr/bin:/bin` } });
}

describe('problemOf', () => {
  it.each<[string, unknown, string, RegExp | undefined]>([
    [
      'its own errors',
      new BundleError('cache-full', 'It is full', { hint: 'Make room' }),
      'cache-full',
      /^Make room$/,
    ],
    ['what nobody foresaw', new TypeError('x is not a function'), 'unexpected', /fault of bundlefs/],
    ['what is no error', 'thrown', 'unexpected', /fault of bundlefs/],
  ])('gives %s a code and a cure that are true', (_, error, code, cure) => {
    expect(problemOf('thing', error)).toMatchObject({
      ...{ subject: 'thing', level: 'problem', code },
      cure: expect.stringMatching(cure ?? /./) as string,
    });
  });

  it('takes a module that cannot be loaded for a broken installation', async () => {
    const notAddon = join(await makeTempFolder(), 'x.node');
    await writeFile(notAddon, 'no addon');
    const load = createRequire(import.meta.url);
    for (const path of [notAddon, './no-such-file']) {
      let thrown: unknown;
      try {
        load(path);
      } catch (error) {
        thrown = error;
      }
      expect(problemOf('thing', thrown)).toMatchObject({ code: 'addon-unavailable' });
    }
  });

  it('is what diagnose makes of a check that fails for another reason', async () => {
    const broken = contextWith({
      from: 'images.tar',
      cache: await makeTempFolder(),
      getMaxSize: () => {
        throw new RangeError('no such day');
      },
    });
    const findings = await diagnose(broken);
    const unexpected = findings.filter(
      (finding) => finding.level === 'problem' && finding.code === 'unexpected',
    );
    expect(unexpected).toMatchObject([{ text: expect.stringContaining('no such day') as string }]);
  });
});

describe('checkNode', () => {
  it.each([
    ['20.19.0', 'ok'],
    ['22.0.0', 'ok'],
    ['20.18.3', 'problem'],
    ['9.99.0', 'problem'],
  ])('%s is %s', (version, level) => {
    expect(checkNode(version)).toMatchObject([{ level }]);
  });
});

describe('checkAllowOther', () => {
  it.each([
    ['user_allow_other\n', false, 'ok'],
    ['  user_allow_other # for CI\n', false, 'ok'],
    ['# user_allow_other\nmount_max = 5\n', false, 'warning'],
    ['', true, 'ok'],
  ])('with %j in fuse.conf, for root %s: %s', async (text, isRoot, level) => {
    const path = join(await makeTempFolder(), 'fuse.conf');
    await writeFile(path, text);
    expect(await checkAllowOther({ isRoot }, path)).toMatchObject([{ level }]);
  });
});

describe('checkFusermount', () => {
  it('finds that a copy without setuid helps no user, and root all the same', async () => {
    const folder = await makeTempFolder();
    execFileSync('cp', ['/usr/bin/true', join(folder, 'fusermount')]);
    const environment = { PATH: folder };
    expect(await checkFusermount({ isRoot: true, environment })).toMatchObject([{ level: 'ok' }]);
    expect(await checkFusermount({ isRoot: false, environment })).toMatchObject([
      { level: 'problem', code: 'mount-unavailable', cure: expect.stringContaining('chmod u+s') as string },
    ]);
    await chmod(join(folder, 'fusermount'), 0o4755);
    expect(await checkFusermount({ isRoot: false, environment })).toMatchObject([{ level: 'ok' }]);
  });
});

describe('checkXz', () => {
  it('tries threads with the xz that is installed', async () => {
    expect(await checkXz(contextWith({}))).toMatchObject([
      { level: 'ok', text: expect.stringContaining('-T0') as string },
    ]);
  });

  it.each([
    [
      'an old one',
      'case $1 in --version) echo "xz (XZ Utils) 5.2.4";; *) exec /usr/bin/xz "$@";; esac',
      /one core/,
    ],
    [
      'one that knows no -T0',
      'case $1 in --version) echo "xz 5.0.1";; -T0) echo no -T >&2; exit 1;; *) exec /usr/bin/xz "$@";; esac',
      /no -T/,
    ],
    [
      'the one with the backdoor',
      'case $1 in --version) echo "xz 5.6.1";; *) exec /usr/bin/xz "$@";; esac',
      /CVE-2024-3094/,
    ],
    [
      'one that gives back other bytes',
      'case $1 in --version) echo "xz 5.8.1";; *) cat >/dev/null;; esac',
      /other bytes/,
    ],
    ['one that fails', 'echo broken >&2; exit 127', /cannot be run/],
  ])('warns of %s', async (_, script, text) => {
    const [finding] = await checkXz(await makeXz(script));
    expect(finding?.level).toBe('warning');
    expect(finding?.text).toMatch(text);
  });
});

describe('checkClock', () => {
  it('is content with now, and warns of a time before the program was built', async () => {
    const cache = await makeTempFolder();
    expect(await checkClock(contextWith({ cache }))).toMatchObject([{ level: 'ok' }]);
    expect(await checkClock(contextWith({ cache, nowMs: Date.UTC(2001, 0) }))).toMatchObject([
      { level: 'warning', text: expect.stringContaining('before this program was built') as string },
    ]);
  });

  it('warns of a time before the last build in the journal', async () => {
    const path = await makeTempFolder();
    const cache = await openCache(path);
    const later = new Date(Date.now() + 48 * hourMs).toISOString();
    await cache.putBuild({
      format: 'bundlefs-build-1',
      startedAt: later,
      endedAt: later,
      verb: 'build',
      source: 'archive "a.tar"',
      version: '1.0.0',
      profile: 'p',
      images: [],
      encodedBlocks: [],
      costs: { seconds: 1, readSeconds: 0, encodeSeconds: 0, cpuSeconds: 0, readSize: 0 },
    });
    expect(await checkClock(contextWith({ cache: path }))).toMatchObject([
      { level: 'warning', text: expect.stringContaining('the last build') as string },
    ]);
  });
});

describe('checkCache', () => {
  it('writes a trial and leaves nothing, nor makes a cache that is not there', async () => {
    const path = await makeTempFolder();
    await openCache(path);
    const before = execFileSync('find', [path], { encoding: 'utf8' });
    const findings = await checkCache(contextWith({ cache: path }));
    expect(findings[0]).toMatchObject({ level: 'ok', text: `${path}, can be written to` });
    expect(execFileSync('find', [path], { encoding: 'utf8' })).toBe(before);
    const absent = join(path, 'deep/down');
    expect((await checkCache(contextWith({ cache: absent })))[0]?.level).toBe('ok');
    expect(execFileSync('find', [path], { encoding: 'utf8' })).toBe(before);
  });

  it('finds a full disk, one of few inodes, one in memory, and one that is read-only', async () => {
    const path = await makeTempFolder();
    const mount = (options: string): void => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path]);
    };
    onTestFinished(() => {
      execFileSync('umount', [path]);
    });
    mount('size=10m');
    const small = await checkCache(contextWith({ cache: path }));
    expect(small).toContainEqual(expect.objectContaining({ level: 'problem', code: 'cache-full' }));
    expect(small).toContainEqual(
      expect.objectContaining({ level: 'warning', text: expect.stringMatching(/memory/) as string }),
    );
    execFileSync('mount', ['-o', 'remount,size=100g,nr_inodes=50', path]);
    const few = await checkCache(contextWith({ cache: path }));
    expect(few).toContainEqual(
      expect.objectContaining({
        level: 'warning',
        text: expect.stringMatching(/room for \d+ files only/) as string,
      }),
    );
    execFileSync('mount', ['-o', 'remount,ro', path]);
    expect(await checkCache(contextWith({ cache: path }))).toMatchObject([
      { level: 'problem', code: 'cache-read-only' },
    ]);
  });

  it('finds what is set aside, and what another version has left', async () => {
    const path = await makeTempFolder();
    await openCache(path);
    await mkdir(join(path, 'v1/bad'), { recursive: true });
    await writeFile(join(path, 'v1/bad/0123456789abcdef'), 'damaged');
    await mkdir(join(path, 'v0'));
    const leftovers = (await checkCache(contextWith({ cache: path }))).filter(
      ({ subject }) => subject === 'cache leftovers',
    );
    expect(leftovers.map(({ text }) => text)).toEqual([
      expect.stringContaining('1 damaged block set aside'),
      expect.stringContaining('v0 of another version'),
    ]);
  });

  it.each([
    ['a file', (path: string) => writeFile(path, '')],
    ['a link that leads to itself', (path: string) => symlink(path, path)],
  ])('finds that it cannot be %s', async (_, make) => {
    const path = join(await makeTempFolder(), 'cache');
    await make(path);
    expect(await checkCache(contextWith({ cache: path }))).toMatchObject([
      { subject: 'cache', level: 'problem', code: 'cache-failed' },
    ]);
  });
});

describe('checkEngine', () => {
  it('does not wait for ever for an engine that takes calls and never answers', async () => {
    const path = join(await makeTempFolder(), 's');
    const server = createServer(() => undefined).listen(path);
    onTestFinished(() => {
      server.close();
    });
    const environment = { DOCKER_HOST: `unix://${path}` };
    expect(await checkEngine(contextWith({ environment, engineTimeoutMs: 200 }))).toMatchObject([
      {
        level: 'problem',
        code: 'source-unreachable',
        text: expect.stringContaining('no answer within 0.2 seconds') as string,
      },
    ]);
  });

  it.each([
    ['nonsense', 'invalid-argument'],
    ['unix:///nowhere.sock', 'source-unreachable'],
    ['tcp://127.0.0.1:1', 'source-unreachable'],
  ])('DOCKER_HOST %s is %s, with a cure', async (host, code) => {
    const findings = await checkEngine(contextWith({ environment: { DOCKER_HOST: host } }));
    expect(findings).toMatchObject([{ level: 'problem', code, cure: expect.any(String) as string }]);
  });

  it('asks none where images come from an archive', async () => {
    const environment = { DOCKER_HOST: 'unix:///nowhere.sock' };
    expect(await checkEngine(contextWith({ environment, from: 'images.tar' }))).toMatchObject([
      { level: 'ok' },
    ]);
  });
});
