/** The error class: what it makes of messages that somebody else had a hand in. */
import { describe, expect, it } from 'vitest';
import { BundleError } from '../../src/ground/errors.ts';
import { parseReference } from '../../src/image/reference.ts';

describe('BundleError', () => {
  it('keeps the beginning and the end of a message that has megabytes of input in it', () => {
    const { message } = new BundleError('archive-corrupt', `Cannot read "${'x'.repeat(5_000_000)}": why`);
    expect(message.length).toBeLessThan(5000);
    expect(message).toMatch(/^Cannot read "xxx.* … x+": why$/);
  });

  it('leaves a message with the longest path as it is', () => {
    const text = `Cannot read "/${'x'.repeat(4094)}": no space is left on its disk (ENOSPC)`;
    expect(new BundleError('system-failed', text).message).toBe(text);
  });

  it('is what a name of an image as long as a file gives', () => {
    expect(() => parseReference(`x: ${'['.repeat(100_000)}`)).toThrow(/^Cannot read image .{1,4900}$/);
  });
});
