/** Which registries need not prove who they are: docker's own list, one of ours, and this machine. */
import { BlockList, isIP } from 'node:net';
import * as z from 'zod';
import { readSmallFile } from '../../../disk/read-small-file.ts';

const daemonSchema = z.object({ 'insecure-registries': z.array(z.string()).nullish() });
const daemonFile = '/etc/docker/daemon.json';

/**
 * Whether `host` may be spoken to without TLS, or with a certificate that nobody vouches for: loopback addresses,
 * those in BUNDLEFS_INSECURE_REGISTRIES (hosts or networks, separated by commas), and those that docker's daemon.json
 * has in "insecure-registries".
 */
export async function isInsecureRegistry(host: string, environment: NodeJS.ProcessEnv): Promise<boolean> {
  if (isLoopback(hostnameOf(host))) return true;
  const named = (environment['BUNDLEFS_INSECURE_REGISTRIES'] ?? '').split(',').map((word) => word.trim());
  return [...named, ...(await readDaemonList())].some((entry) => coversHost(entry, host));
}

/** Whether `hostname` is this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '::1' || /^127(?:\.\d+){3}$/.test(hostname);
}

/** `registry.example` of `registry.example:5000`, `::1` of `[::1]:5000`. */
export function hostnameOf(host: string): string {
  return host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

/** A file that is missing, or not docker's, names none. */
async function readDaemonList(): Promise<readonly string[]> {
  try {
    const value: unknown = JSON.parse((await readSmallFile(daemonFile, { limitMiB: 4 })).toString('utf8'));
    return daemonSchema.safeParse(value).data?.['insecure-registries'] ?? [];
  } catch {
    return [];
  }
}

function coversHost(entry: string, host: string): boolean {
  const [network = '', bits] = entry.split('/');
  const hostname = hostnameOf(host);
  const version = isIP(hostname);
  if (bits === undefined) return entry === host;
  if (version === 0 || isIP(network) !== version || !/^\d+$/.test(bits)) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  if (Number(bits) > (version === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(bits), family);
  return list.check(hostname, family);
}
