/** What Weir holds for providers that want more than one key in a header: each call is signed, or given a fresh token. */
import { holdWhole, type RequestBody } from '../body.ts';
import type { Target } from '../call.ts';
import { WeirError } from '../errors.ts';
import type { Signing } from '../providers/provider.ts';
import { ServiceAccount } from './service-account.ts';
import { amzDate, authorization, sha256, type AwsCredentials } from './sigv4.ts';

export interface SignerSettings {
  readonly aws: AwsCredentials | null;
  /** Path of a service account's file. */
  readonly googleServiceAccount: string | null;
  /** Bytes of a body that are held to be signed. */
  readonly bodyLimit: number;
}

export interface UnsignedRequest {
  readonly method: string;
  readonly target: Target;
  /** The region, as the path names it. */
  readonly place: string;
  /** Raw list, to which the credential's own are added. */
  readonly headers: readonly string[];
  readonly body: RequestBody;
}

export interface Signed {
  readonly headers: string[];
  readonly body: RequestBody;
}

export class Signer {
  readonly #account: ServiceAccount | null;

  constructor(readonly settings: SignerSettings) {
    const file = settings.googleServiceAccount;
    this.#account = file === null ? null : new ServiceAccount(file);
  }

  /** Whether Weir holds what this way of signing needs. */
  can(signing: Signing): boolean {
    return signing === 'aws-sigv4' ? this.settings.aws !== null : this.#account !== null;
  }

  /** @throws WeirError `upstream_credentials`, `unauthorized` for a body that is too large to be signed. */
  async sign(signing: Signing, request: UnsignedRequest): Promise<Signed> {
    if (signing === 'aws-sigv4' && this.settings.aws !== null) return this.#aws(request, this.settings.aws);
    const token = await this.#account?.token();
    return { headers: [...request.headers, 'Authorization', `Bearer ${token ?? ''}`], body: request.body };
  }

  async #aws(request: UnsignedRequest, credentials: AwsCredentials): Promise<Signed> {
    const body = await wholeBody(request.body, this.settings.bodyLimit);
    const { method, target, place: region } = request;
    const at = new Date();
    const payloadHash = sha256(body ?? '');
    const own = ['X-Amz-Date', amzDate(at), 'X-Amz-Content-Sha256', payloadHash];
    if (credentials.sessionToken !== null) own.push('X-Amz-Security-Token', credentials.sessionToken);
    const headers = [...request.headers, ...own];
    const { host } = new URL(target.origin);
    const signed = ['Host', host, ...headers.filter((_, index) => toSign(headers[index - (index % 2)] ?? ''))];
    const service = serviceOf(target.provider.place?.hostOf(region, target.path) ?? '');
    const text = authorization(
      { method, path: target.path, headers: signed, payloadHash, region, service, at },
      credentials,
    );
    return { headers: [...headers, 'Authorization', text], body };
  }
}

/** All that AWS itself reads must be signed; what proxies on the way may change must not. */
function toSign(name: string): boolean {
  const lower = name.toLowerCase();
  return lower === 'content-type' || lower.startsWith('x-amz');
}

/** The signing name, as the vendor's host has it: `bedrock` for the runtime, `bedrock-mantle` for itself. */
function serviceOf(vendorHost: string): string {
  return vendorHost.startsWith('https://bedrock-mantle.') ? 'bedrock-mantle' : 'bedrock';
}

/** The signature covers the body's hash, so that all of it must be there before a byte is sent. */
async function wholeBody(body: RequestBody, limit: number): Promise<Buffer | null> {
  if (body === null || Buffer.isBuffer(body)) return body;
  const { whole } = await holdWhole(body, limit);
  if (whole !== null) return whole;
  throw new WeirError(
    'unauthorized',
    `Weir signs bodies of at most ${limit} bytes (WEIR_REPLAY_LIMIT): send a larger one with a Bedrock API key.`,
  );
}
