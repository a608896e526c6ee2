/** Reads WWW-Authenticate: how a registry wants to be told who asks (RFC 9110 §11.6.1; distribution docs/spec/auth/token). */

export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** By their names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const token = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";
const parameter = new RegExp(`^(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))\\s*(?:,\\s*|$)`);
const schemePattern = new RegExp(`^(${token})(?:\\s+|,\\s*|$)`);

/** The challenges of a header, in its order; what follows something that is none is left out. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let rest = header.trim();
  while (rest !== '') {
    const found = parameter.exec(rest);
    const last = challenges.at(-1);
    if (found !== null && last !== undefined) {
      const [whole, name = '', quoted, plain] = found;
      last.parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '');
      rest = rest.slice(whole.length);
      continue;
    }
    const [whole, scheme] = schemePattern.exec(rest) ?? [];
    if (whole === undefined || scheme === undefined) break;
    challenges.push({ scheme: scheme.toLowerCase(), parameters: new Map() });
    rest = rest.slice(whole.length);
  }
  return challenges;
}
