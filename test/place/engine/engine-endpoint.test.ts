import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findEngineEndpoint } from '../../../src/place/engine/talk/engine-endpoint.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';

/** A folder as docker's configuration, with these files in it. */
async function makeConfig(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await makeTempFolder();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

function contextFiles(name: string, endpoint: unknown): Record<string, string> {
  const id = createHash('sha256').update(name).digest('hex');
  const meta = JSON.stringify({ Name: name, Metadata: {}, Endpoints: { docker: endpoint } });
  return { [`contexts/meta/${id}/meta.json`]: meta };
}

describe('findEngineEndpoint', () => {
  it.each([
    ['unix:///a/b.sock', { kind: 'unix', socketPath: '/a/b.sock' }],
    ['tcp://host', { kind: 'tcp', hostname: 'host', port: 2375, tls: undefined }],
    ['tcp://10.0.0.7:80', { kind: 'tcp', hostname: '10.0.0.7', port: 80 }],
    ['tcp://[::1]:2376/', { kind: 'tcp', hostname: '::1', port: 2376 }],
    ['10.0.0.7:2375', { kind: 'tcp', hostname: '10.0.0.7', port: 2375, url: 'tcp://10.0.0.7:2375' }],
    ['ssh://me@host:22', { kind: 'ssh', hostname: 'host', port: 22, user: 'me' }],
    ['ssh://host', { kind: 'ssh', hostname: 'host', port: undefined, user: undefined }],
  ])('reads %s', async (host, expected) => {
    expect(await findEngineEndpoint({ host, env: {} })).toMatchObject(expected);
  });

  it.each([
    '',
    'unix://',
    'unix://relative',
    '/var/run/docker.sock',
    'npipe:////./pipe/docker_engine',
    'http://host',
    'tcp://',
    'tcp://host:port',
    'tcp://host/path',
    'ssh://-oProxyCommand=x',
    'ssh://-x@host',
    'ssh://me:secret@host',
  ])('refuses "%s"', async (host) => {
    await expect(findEngineEndpoint({ host, env: {} })).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  it('goes by the host named, DOCKER_HOST, DOCKER_CONTEXT and the current context, in this order', async () => {
    const DOCKER_CONFIG = await makeConfig({
      'config.json': '{ "auths": {}, "currentContext": "one" }',
      ...contextFiles('one', { Host: 'unix:///one' }),
      ...contextFiles('two', { Host: 'ssh://two' }),
    });
    const find = async (env: Record<string, string>, host?: string): Promise<string> => {
      const endpoint = await findEngineEndpoint({
        env: { DOCKER_CONFIG, ...env },
        ...(host !== undefined && { host }),
      });
      return `${endpoint.url} ${endpoint.origin}`;
    };
    const all = { DOCKER_HOST: 'tcp://three:1', DOCKER_CONTEXT: 'two' };
    expect(await find(all, 'unix:///four')).toBe('unix:///four as named');
    expect(await find(all)).toBe('tcp://three:1 from DOCKER_HOST');
    expect(await find({ ...all, DOCKER_HOST: '' })).toBe('ssh://two from the docker context "two"');
    expect(await find({})).toBe('unix:///one from the docker context "one"');
    expect(await find({ DOCKER_CONTEXT: 'default' })).toBe('unix:///var/run/docker.sock the default');
    const named = await findEngineEndpoint({ context: 'two', env: { DOCKER_CONFIG, ...all } });
    expect(named.url).toBe('ssh://two');
  });

  it.each<Record<string, string>>([
    {},
    { 'config.json': '' },
    { 'config.json': '{"currentContext":"default"}' },
  ])('is the local engine where nothing else is said: %o', async (files) => {
    const HOME = await makeTempFolder();
    const folder = await makeConfig(files);
    const endpoint = await findEngineEndpoint({ env: { HOME, DOCKER_CONFIG: folder } });
    expect(endpoint).toMatchObject({ kind: 'unix', socketPath: '/var/run/docker.sock' });
  });

  it('reads the certificates of TLS where the environment asks for it', async () => {
    const folder = await makeConfig({ 'ca.pem': 'ca', 'cert.pem': 'cert', 'key.pem': 'key' });
    const host = 'tcp://host';
    const tls = { ca: Buffer.from('ca'), cert: Buffer.from('cert'), key: Buffer.from('key') };
    const verified = { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: folder };
    expect(await findEngineEndpoint({ host, env: verified })).toMatchObject({
      port: 2376,
      tls: { ...tls, isVerified: true },
    });
    expect(await findEngineEndpoint({ host, env: { DOCKER_TLS: '1', DOCKER_CONFIG: folder } })).toMatchObject(
      { tls: { ...tls, isVerified: false } },
    );
  });

  it('reads the certificates of a context', async () => {
    const id = createHash('sha256').update('far').digest('hex');
    const DOCKER_CONFIG = await makeConfig({
      ...contextFiles('far', { Host: 'tcp://far:2376', SkipTLSVerify: false }),
      [`contexts/tls/${id}/docker/ca.pem`]: 'ca',
    });
    expect(await findEngineEndpoint({ context: 'far', env: { DOCKER_CONFIG } })).toMatchObject({
      tls: { ca: Buffer.from('ca'), cert: undefined, isVerified: true },
    });
  });

  it.each([
    ['a context that is not there', {}],
    ['a context that is not JSON', { [`contexts/meta/${sha256('far')}/meta.json`]: '{' }],
    ['a context without an engine', { [`contexts/meta/${sha256('far')}/meta.json`]: '{"Endpoints":{}}' }],
  ])('says that it cannot use %s', async (_, files) => {
    const DOCKER_CONFIG = await makeConfig(files);
    await expect(findEngineEndpoint({ context: 'far', env: { DOCKER_CONFIG } })).rejects.toMatchObject({
      code: 'source-unreachable',
      hint: expect.stringContaining('docker context ls') as string,
    });
  });

  it('says that it cannot read a configuration', async () => {
    const DOCKER_CONFIG = await makeConfig({ 'config.json': 'currentContext: one' });
    await expect(findEngineEndpoint({ env: { DOCKER_CONFIG } })).rejects.toMatchObject({
      code: 'source-unreachable',
      message: expect.stringContaining('config.json') as string,
    });
  });

  it('is the own engine of a user where the system has none', async () => {
    const XDG_RUNTIME_DIR = await makeTempFolder();
    const HOME = await makeTempFolder();
    const env = { XDG_RUNTIME_DIR, HOME };
    await writeFile(join(XDG_RUNTIME_DIR, 'docker.sock'), '');
    const find = async (isRoot: boolean): Promise<string> => (await findEngineEndpoint({ env, isRoot })).url;
    expect(await find(true)).toBe('unix:///var/run/docker.sock');
    expect(await find(false)).toBe(`unix://${XDG_RUNTIME_DIR}/docker.sock`);
  });
});

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
