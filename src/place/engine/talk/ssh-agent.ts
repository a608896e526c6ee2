/** Reaches an engine through the ssh program, which knows the user's keys, hosts and settings; as the docker command does. */
import { spawn } from 'node:child_process';
import { Agent } from 'node:http';
import { Duplex, type DuplexOptions } from 'node:stream';
import type { SshEndpoint } from './engine-endpoint.ts';

/** Of what ssh says, for the message. */
const keptErrorSize = 2000;

/**
 * An agent whose every connection is a process `ssh HOST docker system dial-stdio` (docker/cli
 * cli/connhelper/connhelper.go), so that it is ssh that checks who the host is.
 */
export function createSshAgent(endpoint: SshEndpoint): Agent {
  const agent = new Agent({ keepAlive: false });
  return Object.assign(agent, { createConnection: () => openSshStream(endpoint) });
}

function openSshStream({ hostname, port, user }: SshEndpoint): Duplex {
  const words = [
    ...['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=30', '-T'],
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...['--', hostname, 'docker', 'system', 'dial-stdio'],
  ];
  const child = spawn('ssh', words, { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-keptErrorSize);
  });
  const options: DuplexOptions = {
    read() {
      child.stdout.resume();
    },
    // Why a process went away is told by its end, and not by writing to it.
    write(chunk, _encoding, done) {
      child.stdin.write(chunk, () => {
        done();
      });
    },
    final(done) {
      child.stdin.end();
      done();
    },
    destroy(error, done) {
      child.kill();
      done(error);
    },
  };
  const stream = new Duplex(options);
  child.stdout.on('data', (chunk: Buffer) => {
    if (!stream.push(chunk)) child.stdout.pause();
  });
  child.stdin.on('error', () => undefined);
  child.on('error', (error) => {
    stream.destroy(new Error('the program ssh could not be started', { cause: error }));
  });
  child.on('close', (status) => {
    if (status === 0 || status === null) stream.push(null);
    else stream.destroy(new Error(said.trim() || `ssh ended with status ${status}`));
  });
  return stream;
}
