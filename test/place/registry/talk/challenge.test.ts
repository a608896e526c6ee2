import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChallenges } from '../../../../src/place/registry/talk/challenge.ts';

describe('parseChallenges', () => {
  it('reads what registries send', () => {
    const header =
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push", Basic Realm=plain';
    expect(parseChallenges(header)).toEqual([
      {
        scheme: 'bearer',
        parameters: new Map([
          ['realm', 'https://auth.docker.io/token'],
          ['service', 'registry.docker.io'],
          ['scope', 'repository:a/b:pull,push'],
        ]),
      },
      { scheme: 'basic', parameters: new Map([['realm', 'plain']]) },
    ]);
  });

  it('gives back any value that was quoted', () => {
    const quote = (text: string): string => `"${text.replace(/(["\\])/g, '\\$1')}"`;
    fc.assert(
      fc.property(
        fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) }),
        (value) => {
          const [found] = parseChallenges(`Bearer realm=${quote(value)}, error="x"`);
          expect(found?.parameters.get('realm')).toBe(value);
          expect(found?.parameters.get('error')).toBe('x');
        },
      ),
    );
  });

  it('ends on anything', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        expect(Array.isArray(parseChallenges(header))).toBe(true);
      }),
    );
  });
});
