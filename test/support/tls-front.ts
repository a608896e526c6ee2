/** A way to an engine over TCP with TLS, where both sides show certificates: what `dockerd --tlsverify` has in front. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface TlsFront extends AsyncDisposable {
  /** `tcp://127.0.0.1:12345`. */
  readonly url: string;
}

/** Writes ca.pem, cert.pem and key.pem to `folder`: one certificate, good for 127.0.0.1 and for clients, and who vouches for it. */
export async function makeCertificates(folder: string): Promise<void> {
  const openssl = (...words: readonly string[]): Promise<unknown> => run('openssl', words, { cwd: folder });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const ca = ['-subj', '/CN=ca', '-addext', 'basicConstraints=critical,CA:TRUE'];
  await openssl('req', '-x509', ...key, ...ca, '-days', '2', '-keyout', 'ca-key.pem', '-out', 'ca.pem');
  await openssl(
    ...['req', '-x509', ...key, '-subj', '/CN=engine', '-addext', 'subjectAltName=IP:127.0.0.1'],
    ...['-addext', 'basicConstraints=critical,CA:FALSE', '-days', '2'],
    ...['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-keyout', 'key.pem', '-out', 'cert.pem'],
  );
}

/** Listens on a free port with the certificates in `folder`, and connects who shows one of them to the socket of `host`. */
export async function startTlsFront(folder: string, host: string): Promise<TlsFront> {
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFile(join(folder, name))),
  );
  const sockets = new Set<Socket>();
  const server = createServer({ ca, cert, key, requestCert: true, rejectUnauthorized: true }, (client) => {
    const engine = connect(host.slice('unix://'.length));
    for (const socket of [client, engine]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        engine.destroy();
      });
    }
    client.pipe(engine).pipe(client);
  });
  server.on('tlsClientError', () => undefined); // the client under test says what it thinks of it
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}
