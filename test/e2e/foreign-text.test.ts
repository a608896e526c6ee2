/** What a terminal would obey, in every place that others fill: no verb prints it, in whatever it says and on whichever stream. */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packMembers, type PackedMember } from '../fixtures/pack-members.ts';
import { type CliResult, runCli, runCliOk } from '../support/run-cli.ts';
import { findForbidden, forbiddenTexts } from '../support/unprintable.ts';

/** What a JSON text may hold, and, without NUL and slashes, a name. */
const inJson = forbiddenTexts.filter((text) => !/\p{Cs}/u.test(text)).join('');
const inName = inJson.replaceAll('\0', '');
const attack = '\x1b]0;PWNED\x07\x1b[31m\r\nforged line\r\u202e\u009b31m\u2066';
const name = `${attack}${inName.slice(0, 40)}`;
/** All of it, in names of at most 255 bytes: engines take no longer ones. */
const parts = Array.from({ length: Math.ceil(inName.length / 60) }, (_, index) =>
  inName.slice(index * 60, (index + 1) * 60),
);

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

interface Over {
  readonly config?: object;
  readonly tag?: string;
  readonly layerName?: string;
  readonly configName?: string;
  readonly members?: readonly PackedMember[];
}

/** An archive as docker save writes it, of one image with one layer. */
async function packImage(revision: number, over: Over = {}): Promise<Buffer> {
  const layer = await packMembers([
    { name: `d/${attack}`, content: `${revision}`.repeat(3000) },
    ...parts.map((part, index) => ({ name: `d/only${revision}-${index}${part}`, content: 'x' })),
    { name: 'link', type: 'symlink', linkname: `${attack}${revision}` },
  ]);
  const text = `${attack}${inJson}`;
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      created: '2026-01-02T03:04:05Z',
      author: text,
      config: { Env: [`A=${text}`], Cmd: [text], Labels: { [text]: text, revision: String(revision) } },
      history: [{ created_by: text, comment: text, author: text, created: '2026-01-02T03:04:05Z' }],
      rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
      ...over.config,
    }),
  );
  const configName = `${sha256(config)}.json`;
  const manifest = [
    {
      Config: over.configName ?? configName,
      RepoTags: [over.tag ?? 'a/b:1'],
      Layers: [over.layerName ?? 'layer.tar'],
    },
  ];
  return packMembers([
    { name: 'layer.tar', content: layer },
    { name: configName, content: config },
    ...(over.members ?? []),
    { name: 'manifest.json', content: JSON.stringify(manifest) },
  ]);
}

let folder: string;
let server: Server;
let address: string;
const at = (file: string): string => join(folder, file);

const archives: Readonly<Record<string, Over>> = {
  'tag.tar': { tag: `a${attack}:1` },
  'layer-name.tar': { layerName: `no${attack}.tar` },
  'config-name.tar': { configName: `no${attack}.json` },
  'member.tar': { members: [{ name: `../${attack}`, content: 'x' }] },
  'diff-id.tar': { config: { rootfs: { type: 'layers', diff_ids: [`sha256:${attack}`] } } },
  'config-type.tar': { config: { history: [{ created_by: { [attack]: 1 } }] } },
  'platform.tar': { config: { os: `linux${attack}`, architecture: attack, variant: attack } },
  'created.tar': { config: { created: attack } },
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bfs-'));
  for (const revision of [1, 2]) await writeFile(at(`r${revision}.tar`), await packImage(revision));
  for (const [file, over] of Object.entries(archives)) await writeFile(at(file), await packImage(1, over));
  const begun = (await packMembers([{ name: 'layer.tar', content: 'x' }])).subarray(0, -1024);
  const broken = JSON.stringify({ error: attack, errorDetail: { message: attack } });
  await writeFile(at('engine.tar'), Buffer.concat([begun, Buffer.from(broken)]));
  await copyFile(at('r1.tar'), at(`${name}.tar`));
  await mkdir(at(`${name}.d`));
  await writeFile(at('list'), `shop/${attack.replace(/[\r\n]/g, '')}:1\n`);
  await writeFile(at('bundlefs.yaml'), JSON.stringify({ [attack]: 1, images: [attack], from: 5 }));
  await writeFile(at('compose.yaml'), JSON.stringify({ services: { [attack]: { image: `a/${attack}` } } }));
  await writeFile(at('recipe.json'), JSON.stringify({ format: attack, images: attack }));
  await writeFile(
    at('bundle.json'),
    JSON.stringify({ format: `bundlefs-bundle-${attack}`, images: [attack] }),
  );
  for (const revision of [1, 2]) {
    await runCliOk(
      ['build', '--preset', '0', '--from', at(`r${revision}.tar`), '-o', at(`b${revision}.tar.xz`)],
      {
        cache: at('cache'),
      },
    );
  }
  server = createServer((_, response) => {
    response.writeHead(500, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ message: attack, errors: [{ code: attack, message: attack }] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

/** The lines of both streams that have what no line may have, or that begin as the forged one does. */
function findFaults({ stdout, stderr }: CliResult): string[] {
  return `${String(stdout)}\n${stderr}`
    .split('\n')
    .filter((line) => findForbidden(line) !== undefined || line.startsWith('forged'));
}

const from = (file: string): string[] => ['--from', at(file)];
const out = (): string[] => ['-o', at('out.tar.xz')];

// What each of them does with the images is told by other tests; here it is what they say.
const commands: readonly (readonly [title: string, args: () => readonly string[]])[] = [
  ['inspect', () => ['inspect', at('r1.tar')]],
  ['inspect --layers', () => ['inspect', '--layers', at('r1.tar')]],
  ['inspect --layers, of a platform', () => ['inspect', '--layers', at('platform.tar')]],
  ['inspect, of a time', () => ['inspect', at('created.tar')]],
  ['verify', () => ['verify', at('r1.tar')]],
  ['verify, of a wrong archive', () => ['verify', at('layer-name.tar')]],
  ['plan', () => ['plan', ...from('r2.tar')]],
  ['plan --exact', () => ['plan', '--exact', '--preset', '1', ...from('r2.tar')]],
  ['why', () => ['why', 'a/b:1', '--top', '0']],
  ['why, of a build', () => ['why', 'a/b:1', '--build', '1']],
  ['why --since', () => ['why', '--since', '7d', 'a/b:1']],
  ['diff', () => ['diff', at('b1.tar.xz'), at('b2.tar.xz')]],
  ['diff --files', () => ['diff', '--files', '--top', '0', at('b1.tar.xz'), at('b2.tar.xz')]],
  ['diff of archives', () => ['diff', '--files', at('r1.tar'), at('r2.tar')]],
  [
    'thin --dry-run',
    () => ['thin', 'a/b:1', ...from('r2.tar'), '--on', 'a/b:1', '--on-from', at('r1.tar'), '--dry-run'],
  ],
  ['thin', () => ['thin', 'a/b:1', ...from('r2.tar'), '--on', 'a/b:1', '--on-from', at('r1.tar'), ...out()]],
  ['squash', () => ['squash', 'a/b:1', ...from('r2.tar'), ...out()]],
  ['squash, from a layer', () => ['squash', 'a/b:1', '--from-layer', attack, ...from('r2.tar'), ...out()]],
  ['squash, of a platform', () => ['squash', 'a/b:1', ...from('platform.tar'), ...out()]],
  ...Object.keys(archives).map(
    (file) => [`build of ${file}`, () => ['build', ...from(file), ...out()]] as const,
  ),
  ['build of what an engine broke off', () => ['build', ...from('engine.tar'), ...out()]],
  ['build of a file of that name', () => ['build', ...from(`${name}.tar`), '-o', at(`${name}.xz`)]],
  ['build of a missing file', () => ['build', ...from(`${name}.gone`), ...out()]],
  ['build into a folder', () => ['build', ...from('r1.tar'), '-o', at(`${name}.d`)]],
  ['build into a missing folder', () => ['build', ...from('r1.tar'), '-o', at(`${name}.gone/x`)]],
  ['build of an image of that name', () => ['build', name, ...from('r1.tar'), ...out()]],
  ['build for a platform of that name', () => ['build', '--platform', name, ...from('r1.tar'), ...out()]],
  ['build of a list', () => ['build', '--images-file', at('list'), ...from('r1.tar'), ...out()]],
  ['build of a project', () => ['build', '--config', at('bundlefs.yaml'), ...out()]],
  [
    'build of a Compose project',
    () => ['build', '--compose', at('compose.yaml'), ...from('r1.tar'), ...out()],
  ],
  ['build of a recipe', () => ['build', '--from', `recipe:${at('recipe.json')}`, ...out()]],
  ['build of a missing layout', () => ['build', '--from', `oci:${at(name)}`, ...out()]],
  ['build from a registry', () => ['build', `${address}/a/b:1`, '--from', `docker://${address}`, ...out()]],
  ['build from an engine', () => ['build', 'a/b:1', '--from', `docker:tcp://${address}`, ...out()]],
  ['build from a wrong registry', () => ['build', 'a/b:1', '--from', `docker://${name}`, ...out()]],
  ['build with a tag', () => ['build', '--tag-as', `a/b:1=${name}`, ...from('r1.tar'), ...out()]],
  ['load into an engine', () => ['load', ...from('r1.tar'), '--into', `tcp://${address}`]],
  ['load into what is none', () => ['load', ...from('r1.tar'), '--into', name]],
  ['push to a registry', () => ['push', ...from('r1.tar'), `docker://${address}/a`]],
  ['push to what is none', () => ['push', ...from('r1.tar'), `docker://${name}`]],
  ['delta on a base of that name', () => ['delta', '--base', name, ...from('r2.tar'), ...out()]],
  ['delta on a wrong bundle.json', () => ['delta', '--base', at('bundle.json'), ...from('r2.tar'), ...out()]],
  [
    'delta of a file of that name',
    () => ['delta', '--base', at('b1.tar.xz'), ...from('r2.tar'), '-o', at(`${name}.delta`)],
  ],
  ['diff with what is not there', () => ['diff', name, at('b1.tar.xz')]],
  ['describe', () => ['describe', ...from('r1.tar')]],
  ['cache info', () => ['cache', 'info']],
  ['cache info, of a folder of that name', () => ['cache', 'info', '--cache', at(`${name}.d`)]],
  ['cache gc', () => ['cache', 'gc', '--dry-run', '--max-size', '1k']],
  ['cache gc, for a recipe', () => ['cache', 'gc', '--keep-recipe', at(name)]],
  ['cache verify', () => ['cache', 'verify']],
  ['copy --dry-run', () => ['copy', '--dry-run', '--allow-system-disk', ...from('r1.tar'), at(`${name}.d`)]],
  ['copy', () => ['copy', '--allow-system-disk', ...from('r1.tar'), at(`${name}.d`)]],
  ['copy of a mount', () => ['copy', '--allow-system-disk', '--from-mount', at(name), at(`${name}.d`)]],
  ['mount on what is not there', () => ['mount', ...from('r1.tar'), at(name)]],
  ['unmount', () => ['unmount', at(name)]],
  ['status', () => ['status', at(name)]],
  ['refresh', () => ['refresh', at(name)]],
  ['log', () => ['log', at(name)]],
  ['doctor', () => ['doctor', '--cache', at(`${name}.tar`), '--from', `docker:tcp://${address}`]],
  ['doctor, of a project', () => ['doctor', '--config', at('bundlefs.yaml')]],
  ['a verb of that name', () => [name]],
  ['an option of that name', () => ['build', `--${name}`]],
  ['a value of that name', () => ['build', '--preset', name]],
  ['an argument too many', () => ['verify', at('r1.tar'), name]],
  ['--debug', () => ['--debug', 'build', ...from('tag.tar'), ...out()]],
];

describe('no verb prints what a terminal obeys', () => {
  it.each(commands)('%s', async (_, args) => {
    const result = await runCli(args(), { cache: at('cache'), env: { DOCKER_CONFIG: folder } });
    expect(findFaults(result)).toEqual([]);
    expect(String(result.stdout) + result.stderr).not.toBe(''); // it says something
    expect(result.status).not.toBe(1);
  });

  it('JSON has the texts as they are', async () => {
    const { stdout } = await runCliOk(['inspect', '--json', '--layers', at('r1.tar')], {
      cache: at('cache'),
    });
    const report = JSON.parse(String(stdout)) as { images: { history: { createdBy: string }[] }[] };
    expect(report.images[0]?.history[0]?.createdBy).toBe(`${attack}${inJson}`);
  });
});
