/** What the system says, by name, also where libuv has no name for it. */
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { createErrnoError, errnoName } from '../../src/addon/errno-name.ts';
import { findSystemError } from '../../src/ground/system-error.ts';

describe('errnoName', () => {
  it.each(['ENOENT', 'ENOLCK', 'EDQUOT', 'ESTALE', 'EAGAIN', 'ENOTSUP'] as const)('knows %s', (name) => {
    expect(errnoName(constants.errno[name])).toBe(name);
  });

  it('shows the number of what has no name', () => {
    expect(errnoName(9999)).toBe('errno 9999');
  });
});

describe('createErrnoError', () => {
  it('makes what is put into words like an error of Node', () => {
    const error = createErrnoError(constants.errno.ENOLCK, 'flock', '/srv/cache/v1');
    expect(error).toMatchObject({ code: 'ENOLCK', path: '/srv/cache/v1' });
    expect(findSystemError(error)?.message).toBe(
      'Cannot lock "/srv/cache/v1": its file system has no locks (ENOLCK)',
    );
  });
});
