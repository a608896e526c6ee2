import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** The text of a function of a script of the folder stick. */
async function readFunction(script: string, name: string): Promise<string> {
  const text = await readFile(join(import.meta.dirname, '../../../stick', script), 'utf8');
  const found = new RegExp(`^${name}\\(\\) \\{\\n[^]*?^\\}|^${name}\\(\\) \\{.*\\}$`, 'm').exec(text)?.[0];
  if (found === undefined) throw new Error(`${script} has no function ${name}`);
  return found;
}

// Scripts at the target must stand alone; all that they check and say rests on these.
it.each(['pick_sum_tool', 'sum_stdin', 'need_tools', 'shown', 'show_lines', 'say', 'item'])(
  '%s is the same in sticks and in deltas',
  async (name) => {
    expect(await readFunction('delta.sh', name)).toBe(await readFunction('verify.sh', name));
  },
);
