/** Variables in Compose files (compose-spec, 12-interpolation.md). */

/** The value of a variable, or undefined where it is not set. */
export type Lookup = (name: string) => string | undefined;

/** Why a text cannot be interpolated. */
export class InterpolationError extends Error {
  override readonly name = 'InterpolationError';
}

/** Deeper nesting than anybody writes. */
const mostDepth = 100;

/**
 * `text` with its variables replaced: `$VAR`, `${VAR}`, and with `:-` or `-` a value in place of one that is not set,
 * `:?` or `?` an error, `:+` or `+` a value in place of one that is set; the colon takes empty as not set. What stands
 * behind an operator is interpolated where it is used. `$$` is a dollar; so is one that no name follows. Throws
 * InterpolationError.
 */
export function interpolate(text: string, lookup: Lookup, depth = 0): string {
  if (depth > mostDepth) throw new InterpolationError('its variables are nested too deeply');
  let result = '';
  let position = 0;
  while (position < text.length) {
    const dollar = text.indexOf('$', position);
    if (dollar < 0) break;
    result += text.slice(position, dollar);
    const next = text[dollar + 1];
    const name = findName(text, dollar + 1);
    if (next === '$') {
      result += '$';
      position = dollar + 2;
    } else if (name !== undefined) {
      result += lookup(name) ?? '';
      position = dollar + 1 + name.length;
    } else if (next === '{') {
      const end = findClosingBrace(text, dollar + 1);
      result += replaceBraced(text.slice(dollar + 2, end), text, lookup, depth);
      position = end + 1;
    } else {
      result += '$';
      position = dollar + 1;
    }
  }
  return result + text.slice(position);
}

/** The variable's name that starts at `start`. */
function findName(text: string, start: number): string | undefined {
  const pattern = /[_a-z][_a-z0-9]*/iy;
  pattern.lastIndex = start;
  return pattern.exec(text)?.[0];
}

const bracedPattern = /^([_a-z][_a-z0-9]*)(?:(:?[-?+])(.*))?$/is;

function replaceBraced(braced: string, text: string, lookup: Lookup, depth: number): string {
  const [match, name = '', operator = '', rest = ''] = bracedPattern.exec(braced) ?? [];
  if (match === undefined) throw invalid(text);
  const value = lookup(name);
  const isSet = value !== undefined && !(operator.startsWith(':') && value === '');
  const replace = (): string => interpolate(rest, lookup, depth + 1);
  switch (operator.slice(-1)) {
    case '-':
      return isSet ? value : replace();
    case '+':
      return isSet ? replace() : '';
    case '?': {
      if (isSet) return value;
      const reason = replace();
      throw new InterpolationError(
        `the variable ${name} is needed and not set${reason === '' ? '' : `: ${reason}`}`,
      );
    }
    default:
      return value ?? '';
  }
}

/** The brace that closes the one at `open`. */
function findClosingBrace(text: string, open: number): number {
  let depth = 0;
  for (let index = open; index < text.length; index += 1) {
    if (text[index] === '{') depth += 1;
    if (text[index] === '}') depth -= 1;
    if (depth === 0) return index;
  }
  throw invalid(text);
}

function invalid(text: string): InterpolationError {
  return new InterpolationError(
    `"${text}" has a variable that is not written as one: \${NAME} or $NAME was expected`,
  );
}
