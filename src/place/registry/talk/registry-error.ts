/** Turns what goes wrong between bundlefs and a registry into errors that say what to do. */
import * as z from 'zod';
import {
  BundleError,
  describeError,
  type ErrorCode,
  findErrno,
  isBundleError,
} from '../../../ground/errors.ts';

/** Whom errors are about, and what was being done. */
export interface ErrorContext {
  /** `registry.example:5000` */
  readonly host: string;
  /** Behind "Cannot": `read the manifest of shop/web:1`. */
  readonly what: string;
  /** Of failures that no other code says more of. */
  readonly code: ErrorCode;
}

const refusalSchema = z.object({
  errors: z.array(z.object({ code: z.string().optional(), message: z.string().nullish() })).min(1),
});

/** What a refusal says: `{"errors": [{"code", "message"}]}` (distribution-spec, "Error Codes"), or anything. One line. */
export function describeRefusal(body: Uint8Array): string {
  const text = Buffer.from(body).toString('utf8');
  const found = refusalSchema.safeParse(findJson(text)).data?.errors[0];
  const reason = found === undefined ? text : [found.code, found.message].filter(Boolean).join(': ');
  return /^\s*</.test(reason) ? '' : reason.replace(/\s+/g, ' ').trim().slice(0, 300);
}

/** The error for an answer of another status than wanted; `problem` is why there may be a login that was not used. */
export function registryRefused(
  { host, what, code }: ErrorContext,
  status: number,
  reason: string,
  {
    problem,
    retryAfterMs,
  }: { readonly problem?: string | undefined; readonly retryAfterMs?: number | undefined } = {},
): BundleError {
  const said = `${status}${reason === '' ? '' : ` (${reason})`}`;
  const explained = explainStatus(host, status, problem, retryAfterMs);
  const { which, isDenied = false, hint } = explained;
  const ofCode = isDenied ? 'access-denied' : code;
  return new BundleError(ofCode, `Cannot ${what} at ${host}: ${which} ${said}`, { hint });
}

interface ExplainedStatus {
  readonly which: string;
  readonly isDenied?: boolean;
  readonly hint: string;
}

function explainStatus(
  host: string,
  status: number,
  problem: string | undefined,
  retryAfterMs: number | undefined,
): ExplainedStatus {
  if (status === 401) {
    const hint =
      problem === undefined
        ? `Log in: docker login ${host}. Some registries answer so for what is not there; look at the name, too.`
        : `There may be a login for it, but ${problem}. Or log in anew: docker login ${host}`;
    return { which: 'it wants a login that may do that, and answered', isDenied: true, hint };
  }
  if (status === 403) {
    const hint = `This login may not do that. Ask who runs ${host} for the right, or log in as somebody else: docker login ${host}`;
    return { which: 'it refused, and answered', isDenied: true, hint };
  }
  if (status === 404) {
    const hint = 'Look at the name of the registry and the repository.';
    return { which: 'it does not have that, and answered', hint };
  }
  if (status === 405) {
    const hint = `It may be read-only, or pass on what another one has. Ask who runs ${host} where to push to.`;
    return { which: 'it does not do such things, and answered', hint };
  }
  if (status === 429) {
    const when = retryAfterMs === undefined ? 'later' : `in ${Math.ceil(retryAfterMs / 60_000)} min`;
    const hint = `Run it again ${when}: what is done is kept. Limits are often wider with a login: docker login ${host}`;
    return { which: 'it gets too many requests, and answered', hint };
  }
  if (status >= 500) {
    const hint =
      'It was asked several times. Its log says why; run it again later, for what is done is kept.';
    return { which: 'it is in trouble, and answered', hint };
  }
  return {
    which: 'it answered',
    hint: `Is ${host} a registry? One answers requests for ${host}/v2/ with 200 or 401; try it with curl.`,
  };
}

/** The error for a registry that cannot be reached, or that broke off. */
export function registryFailed({ host, what, code }: ErrorContext, error: unknown): BundleError {
  if (isBundleError(error)) return error;
  const errno = findErrno(error) ?? '';
  const known = explain(host, errno);
  if (known !== undefined) {
    return new BundleError('source-unreachable', `Cannot reach the registry ${host}: ${known.reason}`, {
      cause: error,
      hint: known.hint,
    });
  }
  const hasHungUp = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes(errno);
  const reason = hasHungUp ? 'it hung up before the end, again and again' : describeError(error);
  return new BundleError(code, `Cannot ${what} at ${host}: ${reason}`, {
    cause: error,
    hint: 'Run it again: what is done is kept. A proxy or firewall in between may be what breaks the connection.',
  });
}

function explain(
  host: string,
  errno: string,
): { readonly reason: string; readonly hint: string } | undefined {
  switch (errno) {
    case 'ECONNREFUSED':
      return { reason: 'nothing listens there', hint: 'Look at its name and port, and whether it runs.' };
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return {
        reason: 'the name of its host is not known',
        hint: 'Look at the name and the network. Where a proxy is needed, name it in HTTPS_PROXY.',
      };
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return {
        reason: 'it does not answer',
        hint: 'Look at the network. Where a proxy is needed, name it in HTTPS_PROXY.',
      };
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return {
        reason: 'it does not speak TLS',
        hint: `If it is to be used without, say so: BUNDLEFS_INSECURE_REGISTRIES=${host}, or "insecure-registries" in /etc/docker/daemon.json.`,
      };
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return {
        reason: `its certificate is for another name than ${host.replace(/:\d+$/, '')}`,
        hint: 'Use a name that it is for; openssl s_client -connect shows them. Or have a certificate made for this one.',
      };
    default:
      return isCertificateFault(errno)
        ? {
            reason: `its certificate is not trusted (${errno})`,
            hint: `Put the certificate of who vouches for it into /etc/docker/certs.d/${host}/ca.crt (or ~/.config/docker/certs.d/${host}/ca.crt).`,
          }
        : undefined;
  }
}

function isCertificateFault(errno: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/.test(errno);
}

function findJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
