import { describe, expect, it } from 'vitest';
import { parseDotEnv } from '../../../src/request/compose/dot-env.ts';

function parse(text: string, environment: Readonly<Record<string, string>> = {}): Record<string, string> {
  const variables = new Map<string, string>();
  parseDotEnv(text, '/project/.env', variables, (name) => environment[name]);
  return Object.fromEntries(variables);
}

/** The cases of compose-go, dotenv/godotenv_test.go. */
describe('parseDotEnv', () => {
  it.each([
    ['FOO=bar', 'bar'],
    ['FOO =bar', 'bar'],
    ['FOO= bar', 'bar'],
    ['  FOO=bar', 'bar'],
    ['export FOO=bar', 'bar'],
    ['\texport\tFOO=bar', 'bar'],
    ['FOO: bar', 'bar'],
    ['FOO: a=b', 'a=b'],
    ['FOO=1:B', '1:B'],
    ['FOO=foobar=', 'foobar='],
    ['FOO=', ''],
    ['FOO="bar"', 'bar'],
    ["FOO='bar'", 'bar'],
    ['FOO="escaped\\"bar"', 'escaped"bar'],
    ['FOO="\'d\'"', "'d'"],
    ["FOO='\\n'", '\\n'],
    ['FOO="bar\\nbaz"', 'bar\nbaz'],
    ['FOO=a\\tb', 'a\\tb'],
    ['FOO="a\\tb"', 'a\tb'],
    ['FOO="\\0123"', 'S'],
    ['FOO="\\x07"', '\\x07'],
    ['FOO=bar ', 'bar'],
    ['FOO=bar # this is foo', 'bar'],
    ['FOO=bar #', 'bar'],
    ['FOO=123#not-a-comment', '123#not-a-comment'],
    ['FOO="bar#baz" # comment', 'bar#baz'],
    ["FOO='ba#r'", 'ba#r'],
    ['FOO="two\nlines"', 'two\nlines'],
    ['FOO=bar\r\n# end\r\n', 'bar'],
    ['# first\n\nFOO=bar', 'bar'],
    ['A=b\nFOO=$A-${A:-x}-${B:-x}', 'b-b-x'],
    ["A=b\nFOO='$A'", '$A'],
    ['A=b\nFOO="$A \\$A"', 'b $A'],
  ])('%j gives %j', (text, expected) => {
    expect(parse(text)['FOO']).toBe(expected);
  });

  it('takes variables of the environment before those of files, and names alone from it', () => {
    expect(parse('A=file\nFOO=$A\nB\nC', { A: 'environment', B: 'b' })).toEqual({
      A: 'file',
      FOO: 'environment',
      B: 'b',
    });
  });

  it.each([
    ['A=1\nlol$wut', 2],
    ['A=1\n\nB="open', 3],
    ["B='open", 1],
    ['A=${', 2],
  ])('throws selection-invalid with the line for %j', (text) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({
        code: 'selection-invalid',
        message: expect.stringMatching(/"\/project\/.env": line \d/) as string,
      }),
    );
  });
});
