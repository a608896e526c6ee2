/** What the scripts of sticks and deltas say is nothing that a terminal obeys, whatever files are called and engines say. */
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildSampleImages } from '../../fixtures/sample-images.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';
import { findForbidden, forbiddenTexts } from '../../support/unprintable.ts';
import { makeStick, scriptFolder } from './make-stick.ts';

const attack = '\x1b]0;PWNED\x07\x1b[31m\r\nforged line\r\u202e\u009b31m\u2066';
/** What scripts look for: with no more than awk and bytes, not all that Unicode hides. */
const hidden = forbiddenTexts.filter((text) => {
  const code = text.codePointAt(0) ?? 0;
  const isCommon = code <= 0xad || code === 0x61c || code === 0xfeff || (code >= 0x200b && code <= 0x206f);
  return code !== 0 && isCommon;
});

/** The lines that have what no line may have, or that begin as the forged one does. */
function findFaults(output: string): string[] {
  return output.split('\n').filter((line) => findForbidden(line) !== undefined || /^\s*forged/.test(line));
}

const shells = [['dash'], ['bash'], ['bash', '--posix'], ['busybox', 'sh']];

describe.each(shells.map((shell) => ({ name: shell.join(' '), shell })))('$name', ({ shell }) => {
  const run = (
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): { status: number | null; said: string } => {
    const [command = '', ...rest] = shell;
    const { status, stdout, stderr } = spawnSync(command, [...rest, ...args], {
      env: { ...process.env, ...env },
      encoding: 'utf8',
    });
    return { status, said: stdout + stderr };
  };

  it('say shows each text as one line, and what prints as it is', async () => {
    const text = await readFile(join(scriptFolder, 'delta.sh'), 'utf8');
    const script = join(await makeTempFolder(), 'say.sh');
    await writeFile(
      script,
      `${text}\nsay "$@"\nfor text in "$@"; do item ok "$text"; printf '%s' "$text" | show_lines 'said: '; done\n`,
    );
    const plain = ['', 'plain', 'C:\\new %s "x" $y', 'Größe, 日本語, é', '  two  spaces  '];
    const nasty = [attack, ...hidden.map((one) => `a${one}b`)];
    const { status, said } = run([script, ...plain, ...nasty]);
    expect(status).toBe(0);
    expect(said.split('\n').filter((line) => findForbidden(line) !== undefined)).toEqual([]);
    expect(said.split('\n').slice(0, plain.length)).toEqual(plain);
    expect(said).toContain('?]0;PWNED??[31m??forged line??');
  });

  it('verify.sh and load.sh say nothing of it, whatever they are given and the engine says', async () => {
    const folder = await makeTempFolder();
    const stick = join(folder, 'stick');
    await makeStick(stick, (await buildSampleImages({ revision: 1 })).slice(0, 1));
    const bin = join(folder, 'bin');
    await mkdir(bin);
    // No engine that is well says such things: one that answers, and then complains; and one that does not answer.
    const engine = (version: string): string =>
      `#!/bin/sh\ncase "$*" in *--version*) echo "Docker version 1" ;; *version*) ${version} ;; *info*) printf '%s' "$ATTACK" ;; *) printf '%s' "$ATTACK" >&2; exit 1 ;; esac\n`;
    const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}`, ATTACK: attack };
    const said: string[] = [];
    for (const version of ['printf "%s" "$ATTACK"', 'printf "%s" "$ATTACK" >&2; exit 1']) {
      await writeFile(join(bin, 'docker'), engine(version));
      await chmod(join(bin, 'docker'), 0o755);
      const loaded = run([join(stick, 'load.sh'), '--yes', '--to', 'docker'], env);
      expect(loaded.status).not.toBe(0);
      said.push(loaded.said);
    }
    for (const args of [[`--${attack}`], ['--parts', attack], [attack]]) {
      said.push(
        run([join(stick, 'verify.sh'), ...args]).said,
        run([join(stick, 'load.sh'), ...args], env).said,
      );
    }
    await writeFile(join(stick, 'SHA256SUMS'), `${'0'.repeat(64)}  ${attack}\n`);
    said.push(run([join(stick, 'verify.sh')]).said);
    for (const one of said) expect([one !== '', findFaults(one)]).toEqual([true, []]);
  });
});
