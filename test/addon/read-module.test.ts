/** The read module where there is no libfuse for it, and the handles it reads by. */
import { expect, test } from 'vitest';

import { ExtentReader } from '../../src/addon/extent-reader.ts';
import { registerReadModule } from '../../src/addon/read-module.ts';

test('registerReadModule says that libfuse is not loaded, and loads none', () => {
  for (let round = 0; round < 2; round++) {
    expect(registerReadModule).toThrow(
      expect.objectContaining({
        code: 'mount-unavailable',
        message: 'Cannot read natively: libfuse.so.2 is not loaded',
      }),
    );
  }
});

test('handles have numbers of their own, of 31 bits and not below 2^30, and none after the reader is closed', async () => {
  const reader = new ExtentReader([], []);
  const other = new ExtentReader([], []);
  const handles = [reader, other, reader, other].map((from) => from.openHandle());
  const numbers = handles.map(({ number }) => number);
  expect(new Set(numbers).size).toBe(4);
  for (const number of numbers) {
    expect(number).toBeGreaterThanOrEqual(2 ** 30);
    expect(number).toBeLessThan(2 ** 31);
  }
  await reader.close();
  await other.close();
  for (const handle of [...handles, ...handles]) handle.close();
  expect(() => reader.openHandle()).toThrow(TypeError);
});
