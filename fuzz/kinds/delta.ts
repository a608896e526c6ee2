/** Deltas: bases of which they are made, and what a customer's sh makes of damaged ones and of other bases. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { Finding } from '../finding.ts';
import { type FuzzCase, type Kind, sourceCodes } from '../fuzz-case.ts';
import { known, knownCache } from '../known-cache.ts';
import { byteMutations, mutateOften } from '../mutate/bytes.ts';
import { xzMutations } from '../mutate/xz.ts';

export const deltaKind: Kind = {
  name: 'delta',
  about: 'the base of a delta; the delta, from its bytes on or cut; the base that it is applied to',
  async run(fuzz) {
    const { random, changes, sandbox } = fuzz;
    const { bundle, newArchive, newBundle } = await known();
    cpSync(await knownCache(), sandbox.at('cache'), { recursive: true });
    const from = fuzz.write('in/new.tar', newArchive);
    const target = random.pick(['base of the delta', 'delta', 'base at the customer']);
    changes.push(target);
    const base = target.startsWith('base of') ? mutateOften(random, bundle, xzMutations, changes) : bundle;
    const basePath = fuzz.write('in/old.tar.xz', base);
    const args = [
      'delta',
      '--no-config',
      '--preset',
      '0',
      '--archive-only',
      '--base',
      basePath,
      '--from',
      from,
    ];
    const path = sandbox.at('out/update.delta');
    const made = await fuzz.make(['update.delta'], [...args, '-o', path], sourceCodes);
    if (made.error !== undefined) return;
    let delta: Buffer = readFileSync(path);
    if (target === 'delta') delta = changeDelta(fuzz, delta);
    const atCustomer = target.endsWith('customer')
      ? mutateOften(random, bundle, byteMutations, changes)
      : base;
    apply(fuzz, delta, atCustomer, newBundle, target.startsWith('base of'));
  },
};

/** The text is a program, which is whoever's who made it: only what lies behind is changed, and where the file ends. */
function changeDelta({ random, changes }: FuzzCase, delta: Buffer): Buffer {
  if (random.below(3) === 0) {
    const size = random.below(delta.length);
    changes.push(`cut to ${size} bytes`);
    return delta.subarray(0, size);
  }
  const end = /apply_main "\$@"; exit\n/.exec(delta.toString('latin1'));
  const start = (end?.index ?? 0) + (end?.[0].length ?? 0);
  return Buffer.concat([
    delta.subarray(0, start),
    mutateOften(random, delta.subarray(start), byteMutations, changes),
  ]);
}

/** Runs it as nobody. Either the new bundle is there, or nothing is and the status says so. */
function apply(
  { sandbox, write }: Pick<FuzzCase, 'sandbox' | 'write'>,
  delta: Buffer,
  base: Buffer,
  wanted: Buffer,
  mustWork: boolean,
): void {
  const target = sandbox.at('home/target');
  mkdirSync(target);
  write('home/base.tar.xz', base);
  write('home/update.delta', delta);
  for (const path of [sandbox.root, sandbox.at('home'), target, sandbox.at('tmp')]) chmodSync(path, 0o777);
  const command = ['sh', sandbox.at('home/update.delta'), '-o', target, sandbox.at('home/base.tar.xz')];
  const asNobody =
    process.getuid?.() === 0
      ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', ...command]
      : command;
  const run = spawnSync(asNobody[0] ?? 'sh', asNobody.slice(1), { timeout: 60_000, encoding: 'utf8' });
  if (run.error !== undefined) throw new Finding(`the delta did not end: ${run.error.message}`);
  const left = readdirSync(target);
  if (run.status !== 0) {
    if (mustWork) throw new Finding(`the delta does not apply to its own base: ${run.stderr}`);
    if (left.length > 0) throw new Finding(`the delta failed and left ${left.join(', ')}`);
    return;
  }
  if (left.join() !== 'images.tar.xz')
    throw new Finding(`the delta left ${left.join(', ') || 'nothing'}, status 0`);
  if (!readFileSync(`${target}/images.tar.xz`).equals(wanted))
    throw new Finding('the delta made another bundle, status 0');
}
