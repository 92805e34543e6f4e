/**
 * Access tokens of a Google service account: developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests.
 * One is asked for when the last is about to end; calls that come meanwhile wait for the same one.
 */
import { createSign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { WeirError } from '../errors.ts';

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const HOUR = 3600;
/** A token that ends within this time is not used any more. */
const spareMs = 300_000;
const timeoutMs = 15_000;

const accountFile = z.object({
  type: z.literal('service_account'),
  client_email: z.string(),
  private_key: z.string(),
  private_key_id: z.string().optional(),
  token_uri: z.url({ protocol: /^https?$/ }).default('https://oauth2.googleapis.com/token'),
});
const tokenReply = z.object({ access_token: z.string(), expires_in: z.number() });

export class ServiceAccount {
  #token: { readonly text: string; readonly until: number } | null = null;
  #pending: Promise<string> | null = null;

  /** @param file the JSON file of `GOOGLE_APPLICATION_CREDENTIALS`; read anew for each token. */
  constructor(readonly file: string) {}

  /** @throws WeirError `upstream_credentials`. */
  token(): Promise<string> {
    if (this.#token !== null && Date.now() < this.#token.until - spareMs) return Promise.resolve(this.#token.text);
    this.#pending ??= this.#ask().finally(() => (this.#pending = null));
    return this.#pending;
  }

  async #ask(): Promise<string> {
    const account = await this.#read();
    const assertion = signedAssertion(account, Math.floor(Date.now() / 1000));
    const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion };
    const asked = Date.now();
    let response: Response;
    try {
      response = await fetch(account.token_uri, {
        method: 'POST',
        body: new URLSearchParams(grant),
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch {
      throw new WeirError('upstream_credentials', 'Google gave no token for the service account: it did not answer.');
    }
    const reply = tokenReply.safeParse(await response.json().catch(() => null));
    if (!response.ok || !reply.success) {
      throw new WeirError(
        'upstream_credentials',
        `Google gave no token for the service account that GOOGLE_APPLICATION_CREDENTIALS names: status ${response.status}.`,
      );
    }
    this.#token = { text: reply.data.access_token, until: asked + reply.data.expires_in * 1000 };
    return reply.data.access_token;
  }

  async #read(): Promise<z.output<typeof accountFile>> {
    const text = await readFile(this.file, 'utf8').catch(() => null);
    const parsed = accountFile.safeParse(text === null ? null : parse(text));
    if (parsed.success) return parsed.data;
    const what = text === null ? 'cannot be read' : 'is no service account';
    throw new WeirError('upstream_credentials', `The file that GOOGLE_APPLICATION_CREDENTIALS names ${what}.`);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** RFC 7523: a JWT signed with RS256 by the account's key. */
function signedAssertion(account: z.output<typeof accountFile>, now: number): string {
  const header = {
    alg: 'RS256',
    typ: 'JWT',
    ...(account.private_key_id === undefined ? {} : { kid: account.private_key_id }),
  };
  const claims = { iss: account.client_email, scope: SCOPE, aud: account.token_uri, iat: now, exp: now + HOUR };
  const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  try {
    return `${text}.${createSign('RSA-SHA256').update(text).sign(account.private_key, 'base64url')}`;
  } catch {
    throw new WeirError('upstream_credentials', 'The private key of the Google service account cannot be used.');
  }
}
