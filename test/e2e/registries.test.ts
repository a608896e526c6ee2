/** Runs docs/registries.md with a registry of its own. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeShop } from '../docs/make-reader.ts';
import { readCommands } from '../docs/read-page.ts';
import { runPage } from '../docs/run-page.ts';
import { makeTempFolder } from '../support/temp-folder.ts';
import { startRegistry } from '../support/throwaway-registry.ts';

it('docs/registries.md does what it says', { timeout: 180_000 }, async () => {
  const folder = await makeTempFolder();
  await mkdir(join(folder, 'work'));
  await writeShop(join(folder, 'work/images.tar'));
  await using registry = await startRegistry();
  const commands = await readCommands('registries.md');
  expect(commands.length).toBeGreaterThan(3);
  await runPage('registries.md', commands, { folder, env: { REGISTRY: registry.host } });
});
