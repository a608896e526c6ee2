/** Answers a registry's question who asks: with a login, or with a token that is had for one (distribution docs/spec/auth). */
import * as z from 'zod';
import { BundleError } from '../../../ground/errors.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { Credentials, FoundCredentials } from './docker-credentials.ts';
import type { RequestBody } from './exchange.ts';

/** Asks a token server; errors of the connection and statuses that may pass are its to deal with. */
export type FetchToken = (request: {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  readonly signal?: AbortSignal;
}) => Promise<{ readonly status: number; readonly bytes: Uint8Array }>;

export interface RegistryAuthOptions {
  readonly host: string;
  readonly findCredentials: () => Promise<FoundCredentials>;
  readonly fetchToken: FetchToken;
  /** Whether a login may be sent to this address: it must be one that nobody can listen to. */
  readonly isSafe: (url: URL) => Promise<boolean>;
}

export interface RegistryAuth {
  /** The header for a request that needs these scopes, where one is known. */
  find(scopes: readonly string[]): string | undefined;
  /**
   * Takes what a 401 asks for, and returns whether there is an answer to it. Throws access-denied where the login is wrong, and what `fetchToken` throws.
   */
  answer(header: string | undefined, scopes: readonly string[], options: AnswerOptions): Promise<boolean>;
  /** Why a login could not be had, where there may be one. */
  readonly problem: string | undefined;
}

export interface AnswerOptions {
  /** Whether one was given to this request already. */
  readonly isAgain: boolean;
  readonly signal?: AbortSignal | undefined;
}

const tokenSchema = z.object({ token: z.string().optional(), access_token: z.string().optional() });

export function createRegistryAuth(options: RegistryAuthOptions): RegistryAuth {
  const { host, findCredentials } = options;
  const headers = new Map<string, string>();
  let forAll: string | undefined;
  let found: Promise<FoundCredentials> | undefined;
  let problem: string | undefined;
  const keyOf = (scopes: readonly string[]): string => [...scopes].sort().join(' ');
  return {
    find: (scopes) => forAll ?? headers.get(keyOf(scopes)),
    async answer(header, scopes, { isAgain, signal }) {
      const challenges = parseChallenges(header ?? '');
      const login = await (found ??= findCredentials());
      problem = login.problem;
      const { credentials } = login;
      const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
      if (bearer !== undefined) {
        if (isAgain) return false;
        const fetchToken: FetchToken = (request) =>
          options.fetchToken({ ...request, ...(signal && { signal }) });
        const limited = { ...options, fetchToken };
        headers.set(keyOf(scopes), `Bearer ${await getToken(limited, bearer, scopes, credentials)}`);
        return true;
      }
      if (credentials?.kind !== 'basic' || !challenges.some(({ scheme }) => scheme === 'basic')) return false;
      if (isAgain) throw wrongLogin(host);
      forAll = basicHeader(credentials);
      return true;
    },
    get problem() {
      return problem;
    },
  };
}

async function getToken(
  { host, fetchToken, isSafe }: RegistryAuthOptions,
  challenge: Challenge,
  scopes: readonly string[],
  credentials: Credentials | undefined,
): Promise<string> {
  if (credentials?.kind === 'bearer') return credentials.token;
  const realm = readRealm(host, challenge);
  if (credentials !== undefined && !(await isSafe(realm))) {
    throw new BundleError(
      'access-denied',
      `Cannot log in to ${host}: it wants the password to be sent to ${realm.host} without TLS`,
      { hint: 'Nobody should ask for that. Tell who runs the registry.' },
    );
  }
  const service = challenge.parameters.get('service');
  const wanted = scopes.length > 0 ? scopes : (challenge.parameters.get('scope')?.split(' ') ?? []);
  const answer =
    credentials?.kind === 'identity'
      ? await fetchToken(refreshRequest(realm, service, wanted, credentials.token))
      : await fetchToken(tokenRequest(realm, service, wanted, credentials));
  if (answer.status === 401 || answer.status === 403) throw wrongLogin(host, realm.host);
  const { token, access_token } = tokenSchema.safeParse(findJson(answer.bytes)).data ?? {};
  const value = token ?? access_token;
  if (answer.status === 200 && value !== undefined && /^[\x21-\x7e]+$/.test(value)) return value;
  // What it said is not shown: there may be a token in it.
  throw new BundleError(
    'access-denied',
    `Cannot get a token for ${host}: ${realm.host} answered ${answer.status} without one`,
    { hint: `See whether docker fares better: docker login ${host}` },
  );
}

function readRealm(host: string, { parameters }: Challenge): URL {
  const realm = parameters.get('realm') ?? '';
  if (/^https?:/.test(realm) && URL.canParse(realm)) return new URL(realm);
  throw new BundleError(
    'access-denied',
    `Cannot get a token for ${host}: it does not say where they are to be had`,
    { hint: `Is ${host} a registry?` },
  );
}

/** distribution docs/spec/auth/token.md. */
function tokenRequest(
  realm: URL,
  service: string | undefined,
  scopes: readonly string[],
  credentials: Extract<Credentials, { kind: 'basic' }> | undefined,
): Parameters<FetchToken>[0] {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  if (credentials !== undefined) url.searchParams.set('account', credentials.user);
  return {
    method: 'GET',
    url,
    headers: credentials === undefined ? {} : { Authorization: basicHeader(credentials) },
  };
}

/** distribution docs/spec/auth/oauth.md. */
function refreshRequest(
  url: URL,
  service: string | undefined,
  scopes: readonly string[],
  token: string,
): Parameters<FetchToken>[0] {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: 'bundlefs',
    refresh_token: token,
    ...(service !== undefined && { service }),
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
  });
  const bytes = Buffer.from(form.toString());
  return {
    method: 'POST',
    url,
    headers: {},
    body: { type: 'application/x-www-form-urlencoded', size: bytes.length, stream: () => [bytes] },
  };
}

function basicHeader({ user, password }: Extract<Credentials, { kind: 'basic' }>): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function wrongLogin(host: string, asked = host): BundleError {
  return new BundleError('access-denied', `Cannot log in to ${host}: ${asked} does not accept the login`, {
    hint: `The password may be old, or may not be for this. Log in again: docker login ${host}`,
  });
}

function findJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
