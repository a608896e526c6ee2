/** What fusermount would refuse to an ordinary user, and what is said before it is asked. Needs root, to be others. */
import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
const source = fileURLToPath(new URL('../../../src/mount/fuse/check-user.ts', import.meta.url));
const nobody = 65534;
const nameless = 64_999;
let folder: string;
/** What other users can run. */
let compiled: string;

interface Outcome {
  readonly code?: string;
  readonly message?: string;
  readonly hint?: string;
}

interface CheckedUser {
  readonly uid: number;
  readonly config?: string;
}

beforeAll(async () => {
  folder = await mkdtemp('/tmp/bfs-');
  await chmod(folder, 0o755);
  compiled = join(folder, 'check-user.mjs');
  await build({ entryPoints: [source], outfile: compiled, bundle: true, format: 'esm', platform: 'node' });
  for (const [name, mode, owner] of [
    ['own', 0o755, nobody],
    ['foreign', 0o755, 0],
    ['sticky', 0o1777, 0],
    ['open', 0o777, 0],
    ['unnamed', 0o755, nameless],
  ] as const) {
    await mkdir(join(folder, name));
    await chmod(join(folder, name), mode);
    await chown(join(folder, name), owner, owner);
  }
  await writeFile(join(folder, 'closed.conf'), '# user_allow_other\n#user_allow_other\nmount_max = 10\n');
  await writeFile(join(folder, 'open.conf'), 'mount_max = 10\n  user_allow_other  # for CI\n');
  await writeFile(join(folder, 'secret.conf'), 'mount_max = 10\n', { mode: 0o600 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Checks `name` as a user of this id does; `config` is what says who may let others in, where that is wanted. */
async function check(name: string, { uid, config }: CheckedUser): Promise<Outcome> {
  const options = { allowOther: config !== undefined, configPath: join(folder, config ?? 'none') };
  const script = `import(${JSON.stringify(compiled)})
    .then(({ checkUser }) => checkUser(${JSON.stringify(join(folder, name))}, ${JSON.stringify(options)}))
    .then(() => ({}), ({ code, message, hint }) => ({ code, message, hint }))
    .then((outcome) => console.log(JSON.stringify(outcome)))`;
  const args = [
    '--reuid',
    String(uid),
    '--regid',
    String(uid),
    '--clear-groups',
    process.execPath,
    '-e',
    script,
  ];
  const { stdout } = await run('setpriv', args);
  return JSON.parse(stdout) as Outcome;
}

test('a folder of their own, or one that all may write to, is fine', async () => {
  expect(await check('own', { uid: nobody })).toEqual({});
  expect(await check('open', { uid: nobody })).toEqual({});
});

test.each([
  ['foreign', 'this user may not write to the folder'],
  ['sticky', "it is somebody else's, with the sticky bit"],
])('a folder that is %s is refused, with how to make it theirs', async (name, found) => {
  expect(await check(name, { uid: nobody })).toEqual({
    code: 'mount-point-invalid',
    message: `Cannot mount at "${join(folder, name)}": ${found}`,
    hint: expect.stringContaining(`chown ${nobody} "${join(folder, name)}"`) as string,
  });
});

test('root may mount everywhere and let others in', async () => {
  for (const name of ['own', 'foreign', 'sticky'])
    expect(await check(name, { uid: 0, config: 'closed.conf' })).toEqual({});
});

test('a user without a name is refused', async () => {
  expect(await check('unnamed', { uid: nameless })).toMatchObject({
    code: 'mount-unavailable',
    message: expect.stringContaining(`user ${nameless}`) as string,
  });
});

test('others are let in where the administrator has said so, and where that cannot be seen', async () => {
  expect(await check('own', { uid: nobody, config: 'open.conf' })).toEqual({});
  expect(await check('own', { uid: nobody, config: 'secret.conf' })).toEqual({});
  expect(await check('own', { uid: nobody, config: 'closed.conf' })).toMatchObject({
    code: 'mount-unavailable',
    message: expect.stringContaining('does not have the line user_allow_other') as string,
    hint: expect.stringContaining(`echo user_allow_other >> ${join(folder, 'closed.conf')}`) as string,
  });
});
