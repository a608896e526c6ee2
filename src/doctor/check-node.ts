/** Whether this Node runs bundlefs, and whether the addon fits it. */
import { arch, versions } from 'node:process';
import { liblzmaVersion } from '../addon/block-codec.ts';
import { libzstdVersion } from '../addon/frame-codec.ts';
import { type Finding, ok, problem, problemOf } from './finding.ts';

/** As package.json has it in `engines`. */
const oldestNode = [20, 19] as const;

export function checkThisNode(): Finding[] {
  return checkNode(versions.node);
}

export function checkNode(version: string): Finding[] {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = oldestNode;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) {
    return [ok('node', `${version}, ${arch}, ABI ${versions.modules}`)];
  }
  const wanted = `${oldestNode.join('.')} or newer`;
  return [
    problem(
      'node',
      'addon-unavailable',
      `${version} is too old: ${wanted} is wanted`,
      'Get a newer one from https://nodejs.org/en/download',
    ),
  ];
}

export function checkAddon(): Finding[] {
  try {
    return [ok('addon', `loads, with liblzma ${liblzmaVersion()} and libzstd ${libzstdVersion()}`)];
  } catch (error) {
    return [problemOf('addon', error)];
  }
}
