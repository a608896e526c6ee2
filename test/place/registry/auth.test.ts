import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listTags } from '../../../src/place/registry/lists.ts';
import { findManifest } from '../../../src/place/registry/manifests.ts';
import { readBlob } from '../../../src/place/registry/read-blob.ts';
import { createProxyAgent } from '../../../src/place/registry/talk/proxy.ts';
import { openRegistry } from '../../../src/place/registry/talk/registry-client.ts';
import { findCredentials } from '../../../src/place/registry/talk/docker-credentials.ts';
import { isInsecureRegistry } from '../../../src/place/registry/talk/insecure-registries.ts';
import { digestOf } from '../../../src/ground/digest.ts';
import { buildSampleImages } from '../../fixtures/sample-images.ts';
import { startFront } from '../../support/registry-front.ts';
import { runCli } from '../../support/run-cli.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { makeCertificates } from '../../support/tls-front.ts';
import { registryPassword, startRegistry, type ThrowawayRegistry } from '../../support/throwaway-registry.ts';
import { bareEnvironment, impatientRule } from './make-client.ts';

let registry: ThrowawayRegistry;

beforeAll(async () => {
  registry = await startRegistry({ hasLogin: true });
  await registry.fill(await buildSampleImages());
}, 120_000);
afterAll(() => registry[Symbol.asyncDispose]());

const basic = (password: string): string => Buffer.from(`user:${password}`).toString('base64');

/** An environment with this config.json. */
async function environmentWith(config: unknown): Promise<NodeJS.ProcessEnv> {
  const folder = await makeTempFolder();
  await writeFile(join(folder, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config));
  return { ...bareEnvironment, DOCKER_CONFIG: folder, PATH: `${folder}:${process.env['PATH'] ?? ''}` };
}

async function addHelper(environment: NodeJS.ProcessEnv, name: string, script: string): Promise<void> {
  const path = join(environment['DOCKER_CONFIG'] ?? '', `docker-credential-${name}`);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

async function readTags(host: string, environment: NodeJS.ProcessEnv): Promise<string[]> {
  const client = openRegistry(host, { environment, retry: impatientRule() });
  try {
    return (await listTags(client, 'tiny/web')).sort();
  } finally {
    client.close();
  }
}

describe('a registry that wants a login', () => {
  it('gets the one of config.json, asked for once', async () => {
    await using front = await startFront(registry.host);
    const environment = await environmentWith({ auths: { [front.host]: { auth: basic(registryPassword) } } });
    const client = openRegistry(front.host, { environment });
    expect((await listTags(client, 'tiny/web')).sort()).toEqual(['1.0', 'latest']);
    await listTags(client, 'tiny/web');
    client.close();
    expect(front.requests.map(({ headers }) => headers.authorization !== undefined)).toEqual([
      false,
      true,
      true,
    ]);
  });

  it('gets the one of the helper for it, before all others', async () => {
    const { host } = registry;
    const environment = await environmentWith({
      auths: { [host]: { auth: basic('wrong') } },
      credsStore: 'absent',
      credHelpers: { [host]: 'test' },
    });
    const answer = JSON.stringify({ ServerURL: host, Username: 'user', Secret: registryPassword });
    await addHelper(environment, 'test', `read server; [ "$1 $server" = "get ${host}" ] && echo '${answer}'`);
    expect(await readTags(host, environment)).toEqual(['1.0', 'latest']);
  });

  it.each([
    ['no login', {}, /docker login 127/],
    ['a helper that is not there', { credsStore: 'absent' }, /docker-credential-absent.*is not installed/],
    ['a wrong password', { auth: 'wrong-word' }, /Log in again: docker login/],
  ])(
    'refuses %s, and no password is shown',
    async (_, settings: { auth?: string; credsStore?: string }, hint) => {
      const { auth, ...config } = settings;
      const auths = auth === undefined ? {} : { [registry.host]: { auth: basic(auth) } };
      const environment = await environmentWith({ ...config, auths });
      const cache = await makeTempFolder();
      const args = ['build', '--debug', '--no-config', '--from', `docker://${registry.host}`, 'tiny/web:1.0'];
      const result = await runCli([...args, '-o', join(cache, 'images.tar.xz')], {
        cache,
        env: environment as Record<string, string>,
      });
      expect(result.status).toBe(4);
      expect(result.stderr).toMatch(hint);
      const journal = await runCli(['log', '--json'], { cache });
      for (const text of [result.stderr, journal.stdout.toString()]) {
        expect(text).not.toContain('wrong-word');
        expect(text).not.toContain(basic('wrong-word'));
      }
    },
  );

  it('says of a config.json that is none which file it is, and shows nothing of it', async () => {
    const environment = await environmentWith('{"auths": "s3cret');
    await expect(findCredentials('a.example', environment)).rejects.toMatchObject({ code: 'access-denied' });
    const failure: unknown = await findCredentials('a.example', environment).catch((error: unknown) => error);
    expect(String(failure) + String((failure as Error).cause)).not.toContain('s3cret');
  });

  it('finds logins under all names that docker writes', async () => {
    const login = { kind: 'basic', user: 'user', password: 'pass:word' };
    const auth = Buffer.from('user:pass:word').toString('base64');
    for (const [key, host] of [
      ['https://index.docker.io/v1/', 'docker.io'],
      ['https://a.example/v1/', 'a.example'],
      ['a.example:5000', 'a.example:5000'],
    ] as const) {
      const environment = await environmentWith({ auths: { [key]: { auth } } });
      expect(await findCredentials(host, environment)).toEqual({ credentials: login });
      expect(await findCredentials('b.example', environment)).toEqual({ credentials: undefined });
    }
  });
});

describe('a registry that wants a token', () => {
  /** A registry that takes one token, and a server that gives it for the right login. */
  async function startTokenBench() {
    const asked: { url: string; authorization: string | undefined; form: string }[] = [];
    const server = createServer((request, response) => {
      let form = '';
      request.on('data', (chunk: Buffer) => (form += chunk.toString()));
      request.on('end', () => {
        const { authorization } = request.headers;
        asked.push({ url: request.url ?? '', authorization, form });
        const isRight =
          authorization === `Basic ${basic(registryPassword)}` || form.includes('refresh_token=identity-1');
        response.writeHead(isRight ? 200 : 401).end(JSON.stringify({ token: 'token-1' }));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const realm = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
    const open = await startRegistry();
    await open.fill((await buildSampleImages()).slice(0, 1));
    const front = await startFront(open.host, {
      onRequest({ headers }, response) {
        if (headers.authorization === 'Bearer token-1') return false;
        const challenge = `Bearer realm="${realm}",service="test",scope="repository:tiny/web:pull"`;
        response.writeHead(401, { 'WWW-Authenticate': challenge }).end('{}');
        return true;
      },
    });
    return {
      front,
      asked,
      async [Symbol.asyncDispose]() {
        server.close();
        await front[Symbol.asyncDispose]();
        await open[Symbol.asyncDispose]();
      },
    };
  }

  it('changes logins and identity tokens for one, and asks for it once', async () => {
    await using bench = await startTokenBench();
    const { front, asked } = bench;
    const environment = await environmentWith({ auths: { [front.host]: { identitytoken: 'identity-1' } } });
    const client = openRegistry(front.host, { environment });
    await listTags(client, 'tiny/web');
    expect(await findManifest(client, 'tiny/web', '1.0')).toBeDefined();
    client.close();
    expect(asked).toHaveLength(1);
    const form = new URLSearchParams(asked[0]?.form);
    expect(Object.fromEntries(form)).toMatchObject({
      grant_type: 'refresh_token',
      service: 'test',
      scope: 'repository:tiny/web:pull',
    });
    expect(asked[0]?.authorization).toBeUndefined();
    const login = await environmentWith({ auths: { [front.host]: { auth: basic(registryPassword) } } });
    expect(await readTags(front.host, login)).toEqual(['1.0', 'latest']);
    expect(asked[1]?.url).toContain('account=user');
    await expect(readTags(front.host, bareEnvironment)).rejects.toMatchObject({ code: 'access-denied' });
  }, 60_000);

  it('sends no login to a realm that others can listen to', async () => {
    await using front = await startFront(registry.host, {
      onRequest(_, response) {
        response.writeHead(401, { 'WWW-Authenticate': 'Bearer realm="http://evil.example/token"' }).end();
        return true;
      },
    });
    const environment = await environmentWith({ auths: { [front.host]: { auth: basic(registryPassword) } } });
    await expect(readTags(front.host, environment)).rejects.toThrow(/evil\.example without TLS/);
  });
});

describe('redirections', () => {
  it('are followed to other hosts without the login', async () => {
    const content = Buffer.from('a blob');
    const seen: IncomingHttpHeaders[] = [];
    const storage = createServer((request, response) => {
      seen.push(request.headers);
      response.end(content);
    });
    storage.listen(0, '127.0.0.1');
    await once(storage, 'listening');
    const place = `http://127.0.0.1:${(storage.address() as AddressInfo).port}/signed?secret=1`;
    await using front = await startFront(registry.host, {
      onRequest({ line, headers }, response) {
        if (!line.includes('/blobs/') || headers.authorization === undefined) return false;
        response.writeHead(307, { Location: place }).end();
        return true;
      },
    });
    const environment = await environmentWith({ auths: { [front.host]: { auth: basic(registryPassword) } } });
    const client = openRegistry(front.host, { environment });
    const blob = { path: 'tiny/web', digest: digestOf(content), size: content.length, label: 'it' };
    const chunks: Uint8Array[] = [];
    for await (const chunk of readBlob(client, blob)) chunks.push(chunk);
    client.close();
    storage.close();
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
    expect(seen).toHaveLength(1);
    expect(seen[0]).not.toHaveProperty('authorization');
  });
});

describe('TLS', () => {
  it('trusts a registry by certs.d, and refuses one that certs.d does not vouch for', async () => {
    const folder = await makeTempFolder();
    await makeCertificates(folder);
    await using secure = await startRegistry({ tlsFolder: folder });
    const environment = { ...bareEnvironment, XDG_CONFIG_HOME: folder, BUNDLEFS_INSECURE_REGISTRIES: '' };
    // On this machine no certificate is needed, as docker has it; with certs.d it is.
    expect(await readTags(secure.host, environment)).toEqual([]);
    const own = join(folder, 'docker/certs.d', secure.host);
    await mkdir(own, { recursive: true });
    await expect(readTags(secure.host, environment)).rejects.toMatchObject({
      code: 'source-unreachable',
      hint: expect.stringContaining(`certs.d/${secure.host}/ca.crt`) as string,
    });
    await writeFile(join(own, 'ca.crt'), await readFile(join(folder, 'ca.pem')));
    expect(await readTags(secure.host, environment)).toEqual([]);
  }, 60_000);

  it('goes through the proxy that the environment names, in a tunnel', async () => {
    const lines: string[] = [];
    const sockets = new Set<Socket>();
    const [address = '', port = ''] = registry.host.split(':');
    const proxy = createServer();
    proxy.on('connect', (request, socket: Socket) => {
      lines.push(
        `${request.method ?? ''} ${request.url ?? ''} ${request.headers['proxy-authorization'] ?? ''}`,
      );
      const other = connect(Number(port), address, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.pipe(other).pipe(socket);
      });
      for (const one of [socket, other]) sockets.add(one.on('error', () => undefined));
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const host = 'registry.invalid:80';
    const proxyAddress = `http://me:word@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const environment = {
      ...(await environmentWith({ auths: { [host]: { auth: basic(registryPassword) } } })),
      BUNDLEFS_INSECURE_REGISTRIES: host,
      HTTP_PROXY: proxyAddress,
      HTTPS_PROXY: proxyAddress,
    };
    // Without a proxy it would be the name that is not known.
    const client = openRegistry(host, { environment, retry: impatientRule() });
    const tags = await listTags(client, 'tiny/web').catch((error: unknown) => error);
    client.close();
    for (const socket of sockets) socket.destroy();
    proxy.close();
    expect(tags).toEqual(expect.arrayContaining(['1.0', 'latest']));
    expect(lines[0]).toBe(`CONNECT ${host} Basic ${Buffer.from('me:word').toString('base64')}`);
  });

  it.each(['the proxy', 'what is behind it'])('gives up a tunnel where %s says nothing', async (who) => {
    const sockets = new Set<Socket>();
    const silent = createTcpServer((socket) => {
      sockets.add(socket.on('error', () => undefined));
      if (who === 'what is behind it')
        socket.once('data', () => void socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    });
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = new URL(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`);
    const agent = createProxyAgent(address, { rejectUnauthorized: false }, 200);
    const error = await new Promise((resolve) => {
      agent.createConnection({ host: 'registry.invalid', port: 443 }, resolve);
    });
    expect(error).toMatchObject({ code: 'ETIMEDOUT', message: 'it said nothing for 0.2 seconds' });
    for (const socket of sockets) socket.destroy();
    silent.close();
    agent.destroy();
  });

  it('knows insecure registries by name and by network', async () => {
    const environment = { BUNDLEFS_INSECURE_REGISTRIES: 'a.example:5000, 10.0.0.0/8,fd00::/8' };
    const hosts = [
      'a.example:5000',
      'a.example',
      '10.1.2.3:5000',
      '11.1.2.3',
      '[fd00::1]:5000',
      'localhost:1',
      '127.0.0.9',
    ];
    const found = await Promise.all(hosts.map((host) => isInsecureRegistry(host, environment)));
    expect(found).toEqual([true, false, true, false, true, true, true]);
  });
});
