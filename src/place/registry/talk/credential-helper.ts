/** Asks a program that keeps logins for docker: `docker-credential-NAME get`. */
import { spawn } from 'node:child_process';
import * as z from 'zod';
import { findErrno } from '../../../ground/errors.ts';

const secretSchema = z.object({ Username: z.string(), Secret: z.string() });

export interface HelperAnswer {
  /** Not to be shown. */
  readonly secret?: z.infer<typeof secretSchema>;
  /** Why it gave none, where that is more than that it has none. */
  readonly problem?: string;
}

/** It may ask its user for a password, but not for ever. */
const timeoutMs = 60_000;
/** Of its answer, in bytes: a name and a password, or a token. */
const mostOutput = 1024 * 1024;

/**
 * What `docker-credential-<name>` keeps for `server` (docker-credential-helpers, "Development"). One that is missing or
 * fails is no error yet: config files are copied to machines without it, and many images need no login.
 */
export async function askCredentialHelper(
  name: string,
  server: string,
  environment: NodeJS.ProcessEnv,
  patienceMs = timeoutMs,
): Promise<HelperAnswer> {
  const program = `docker-credential-${name}`;
  if (!/^[\w.-]+$/.test(name)) return { problem: `"${program}" is not the name of a program` };
  try {
    const { status, output } = await runHelper(program, server, environment, patienceMs);
    if (status !== 0) {
      return /credentials not found/i.test(output)
        ? {}
        : { problem: `${program} failed (${status ?? 'stopped'}); try it: echo ${server} | ${program} get` };
    }
    // Not even what is wrong with the answer is told, for the password is in it.
    const secret = parseSecret(output);
    return secret === undefined
      ? { problem: `${program} gave an answer that is not understood` }
      : { secret };
  } catch (error) {
    const reason = findErrno(error) === 'ENOENT' ? 'is not installed' : 'cannot be run';
    return { problem: `${program}, which docker's config.json names for it, ${reason}` };
  }
}

function parseSecret(output: string): HelperAnswer['secret'] {
  try {
    return secretSchema.safeParse(JSON.parse(output)).data;
  } catch {
    return undefined;
  }
}

function runHelper(
  program: string,
  input: string,
  env: NodeJS.ProcessEnv,
  patienceMs: number,
): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'ignore'], env });
    const output: Buffer[] = [];
    let size = 0;
    const end = (status: number | null): void => {
      clearTimeout(timer);
      resolve({ status, output: Buffer.concat(output).toString('utf8') });
    };
    // It is not waited for: it may not let itself be ended, or have left its output to another one.
    const giveUp = (): void => {
      child.kill('SIGKILL');
      child.stdout.destroy();
      child.unref();
      end(null);
    };
    // Not the timeout of spawn, which keeps this process waiting for a program that never started.
    const timer = setTimeout(giveUp, patienceMs);
    child.on('error', () => {
      clearTimeout(timer);
    });
    child.stdout.on('data', (chunk: Buffer) => {
      output.push(chunk);
      size += chunk.length;
      if (size > mostOutput) giveUp();
    });
    child.stdin.on('error', () => undefined); // it may end without reading
    child.on('error', reject);
    child.on('close', end);
    child.stdin.end(input);
  });
}
