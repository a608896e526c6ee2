/** All checks, each on its own: what is broken for one says nothing of the others. */
import { isBundleError } from '../ground/errors.ts';
import { type CheckContext, type Finding, problemOf } from './finding.ts';

type Check = (context: CheckContext) => Finding[] | Promise<Finding[]>;

/**
 * In the order in which they are told of. Each is loaded by itself, so that a part of the installation that is missing
 * stops only those that need it.
 */
const checks: readonly (readonly [subject: string, load: () => Promise<Check>])[] = [
  ['node', async () => (await import('./check-node.ts')).checkThisNode],
  ['addon', async () => (await import('./check-node.ts')).checkAddon],
  ['/dev/fuse', async () => (await import('./check-fuse.ts')).checkFuseDevice],
  ['fusermount', async () => (await import('./check-fuse.ts')).checkFusermount],
  ['user_allow_other', async () => (await import('./check-fuse.ts')).checkAllowOther],
  ['mount', async () => (await import('./check-trial.ts')).checkTrial],
  ['mounts', async () => (await import('./check-mounts.ts')).checkMounts],
  ['engine', async () => (await import('./check-engine.ts')).checkEngine],
  ['podman', async () => (await import('./check-engine.ts')).checkPodman],
  ['xz', async () => (await import('./check-xz.ts')).checkXz],
  ['cache', async () => (await import('./check-cache.ts')).checkCache],
  ['clock', async () => (await import('./check-clock.ts')).checkClock],
];

/** Everything that is found, at the same time but in a fixed order. Throws nothing but the signal's reason. */
export async function diagnose(context: CheckContext): Promise<readonly Finding[]> {
  const lists = await Promise.all(checks.map(([subject, load]) => runCheck(subject, load, context)));
  context.signal.throwIfAborted();
  return withoutEchoes(lists.flat());
}

async function runCheck(
  subject: string,
  load: () => Promise<Check>,
  context: CheckContext,
): Promise<readonly Finding[]> {
  try {
    const check = await load();
    return await check(context);
  } catch (error) {
    if (isBundleError(error, 'interrupted')) return [];
    return [problemOf(subject, error)];
  }
}

/** A trial mount that could not be tried, for a reason that has a line of its own, needs none. */
function withoutEchoes(findings: readonly Finding[]): readonly Finding[] {
  const hasReason = findings.some(
    ({ subject, level }) => level === 'problem' && (subject === '/dev/fuse' || subject === 'fusermount'),
  );
  return findings.filter(({ subject, level }) => !(hasReason && subject === 'mount' && level === 'problem'));
}
