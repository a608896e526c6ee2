import { describe, expect, it } from 'vitest';
import { interpolate, InterpolationError } from '../../../src/request/compose/interpolate.ts';

const variables: Readonly<Record<string, string>> = { FOO: 'first', BAR: '', JSON: '{"json":2}', N_1: 'n' };
const replace = (text: string): string => interpolate(text, (name) => variables[name]);

/** compose-spec, 12-interpolation.md, and the cases of compose-go, template/template_test.go. */
describe('interpolate', () => {
  it.each([
    ['foo', 'foo'],
    ['$FOO', 'first'],
    ['${FOO}', 'first'],
    ['$FOO-bar', 'first-bar'],
    ['$FOO$FOO', 'firstfirst'],
    ['a${N_1}b', 'anb'],
    ['This ${missing} var', 'This  var'],
    ['This ${BAR} var', 'This  var'],
    ['$missing', ''],
    // dollars
    ['$$', '$'],
    ['$${foo}', '${foo}'],
    ['$$FOO', '$FOO'],
    ['$$$FOO', '$first'],
    ['a $ string', 'a $ string'],
    ['^REGEX$', '^REGEX$'],
    ['$}', '$}'],
    ['$', '$'],
    ['$1', '$1'],
    // defaults
    ['${missing:-def}', 'def'],
    ['${missing-def}', 'def'],
    ['${BAR:-def}', 'def'],
    ['${BAR-def}', ''],
    ['${FOO:-def}', 'first'],
    ['${FOO-def}', 'first'],
    ['${missing:-}', ''],
    ['${BAR:-/non:-alphanumeric}', '/non:-alphanumeric'],
    ['${missing:-a:?b}', 'a:?b'],
    ['${missing:-{"a":{"b":1}}}', '{"a":{"b":1}}'],
    // required
    ['${FOO:?err}', 'first'],
    ['${FOO?err}', 'first'],
    ['${BAR?err}', ''],
    // in place of what is set
    ['${missing:+there}', ''],
    ['${missing+there}', ''],
    ['${FOO:+there}', 'there'],
    ['${FOO+there}', 'there'],
    ['${BAR+there}', 'there'],
    ['${BAR:+there}', ''],
    // nested
    ['${missing-$FOO}', 'first'],
    ['${missing-${FOO}}', 'first'],
    ['${missing-${FOO} ${FOO}}', 'first first'],
    ['${BAR:-${missing:-$FOO}}', 'first'],
    ['${BAR+$FOO ${FOO:+second}}', 'first second'],
    ['${missing:-$$FOO}', '$FOO'],
    ['${missing:-${JSON}}', '{"json":2}'],
    ['+ok ${missing:-${BAR-value}}', '+ok '],
    ['${FOO:+${missing:-${FOO}}}/${BAR:-x}:${N_1}', 'first/x:n'],
    // what is not used is not looked at
    ['${FOO:-${}}', 'first'],
    ['${FOO:?${missing:?no}}', 'first'],
    // outside of the braces
    [':-ok ${BAR-value}', ':-ok '],
    ['?ok ${BAR:-value}', '?ok value'],
    ['${FOO} ${missing:-a} }', 'first a }'],
  ])('%s gives %s', (text, expected) => {
    expect(replace(text)).toBe(expected);
  });

  it.each([
    ['${missing:?Mandatory}', 'the variable missing is needed and not set: Mandatory'],
    ['${BAR:?Mandatory ${FOO}}', 'the variable BAR is needed and not set: Mandatory first'],
    ['${missing?}', 'the variable missing is needed and not set'],
    ['${missing:?}', 'the variable missing is needed and not set'],
  ])('%s throws: %s', (text, message) => {
    expect(() => replace(text)).toThrow(new InterpolationError(message));
  });

  it.each([
    '${',
    '${}',
    '${ }',
    '${ foo}',
    '${foo }',
    '${foo!}',
    '${1a}',
    '${missing:-${}}',
    '${missing:-${a}',
  ])('%s is refused', (text) => {
    expect(() => replace(text)).toThrow(InterpolationError);
  });

  it('ends for texts that nest without end', () => {
    expect(() => replace('${a:-'.repeat(50_000) + '}'.repeat(50_000))).toThrow(/nested too deeply/);
    expect(replace('$'.repeat(100_001))).toBe('$'.repeat(50_001));
  });
});
