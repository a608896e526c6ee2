import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startProgress } from '../../../src/request/made/progress.ts';
import { buildSampleImages } from '../../fixtures/sample-images.ts';
import { writeLegacyArchive } from '../../fixtures/write-legacy-archive.ts';
import { programPath } from '../../support/run-cli.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';

function terminal(isTTY: boolean): {
  lines: string[];
  output: { isTTY: boolean; columns: number; write: (text: string) => boolean };
} {
  const lines: string[] = [];
  return { lines, output: { isTTY, columns: 120, write: (text: string) => lines.push(text) > 0 } };
}

describe('startProgress', () => {
  it('shows share, size, rate and time left on a terminal, and erases itself', () => {
    const { lines, output } = terminal(true);
    let clock = 0;
    const progress = startProgress({ label: 'reading', output, now: () => clock });
    clock = 1000;
    progress.show(50e6, 200e6, 'encoded 1.0 MB');
    progress[Symbol.dispose]();
    expect(lines[0]).toBe(
      '\r\u001b[Kreading  25 %  50.0 MB of 200 MB  50.0 MB/s  3.0 s left  encoded 1.0 MB',
    );
    expect(lines.at(-1)).toBe('\r\u001b[K');
  });

  it('is silent where the output is not a terminal', () => {
    const { lines, output } = terminal(false);
    const progress = startProgress({ label: 'reading', output });
    progress.show(1, 2);
    progress[Symbol.dispose]();
    expect(lines).toEqual([]);
  });
});

describe('bundlefs build on a terminal', () => {
  it('counts what is left to read and to encode', async () => {
    const folder = await makeTempFolder();
    await writeLegacyArchive(join(folder, 'images.tar'), await buildSampleImages({ scale: 4 }));
    const command = `${programPath} build --from images.tar --cache cache -o images.tar.xz`;
    const shown = execFileSync('script', ['-qec', command, '/dev/null'], { cwd: folder, encoding: 'utf8' });
    const lines = shown.split('\r').filter((line) => line.includes('to encode'));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      expect(line).toMatch(
        /reading {2}\d+ % {2}\S+ \S+ of \S+ MB .*\S+ \S+ to encode, encoded \S+ \S+, reused/,
      );
    }
  });
});
