/**
 * AWS Signature Version 4: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. Pure; held
 * against AWS's published test suite.
 */
import { createHash, createHmac } from 'node:crypto';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
}

export interface SignedRequest {
  readonly method: string;
  /** As it is sent, the query after its `?` included. */
  readonly path: string;
  /** Raw list of those to sign, `Host` among them. */
  readonly headers: readonly string[];
  readonly payloadHash: string;
  readonly region: string;
  readonly service: string;
  readonly at: Date;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';

export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** `20150830T123600Z`. */
export function amzDate(at: Date): string {
  return at.toISOString().replace(/[-:]|\.\d{3}/g, '');
}

/** The value of the `Authorization` header. */
export function authorization(request: SignedRequest, credentials: AwsCredentials): string {
  const date = amzDate(request.at);
  const day = date.slice(0, 8);
  const scope = `${day}/${request.region}/${request.service}/aws4_request`;
  const headers = canonicalHeaders(request.headers);
  const names = headers.map(([name]) => name).join(';');
  const mark = request.path.indexOf('?');
  const canonical = [
    request.method,
    canonicalPath(mark === -1 ? request.path : request.path.slice(0, mark)),
    canonicalQuery(mark === -1 ? '' : request.path.slice(mark + 1)),
    ...headers.map(([name, value]) => `${name}:${value}`),
    '',
    names,
    request.payloadHash,
  ].join('\n');
  const toSign = [ALGORITHM, date, scope, sha256(canonical)].join('\n');
  const daily = hmac(`AWS4${credentials.secretAccessKey}`, day);
  const key = hmac(hmac(hmac(daily, request.region), request.service), 'aws4_request');
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  return `${ALGORITHM} Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
}

function canonicalHeaders(raw: readonly string[]): [string, string][] {
  const headers = new Map<string, string[]>();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase();
    const value = (raw[index + 1] as string).trim().replace(/\s+/g, ' ');
    headers.set(name, [...(headers.get(name) ?? []), value]);
  }
  return [...headers].map(([name, values]): [string, string] => [name, values.join(',')]).sort(byName);
}

/** The path as it is sent, encoded once more; `.`, `..` and empty segments are taken out as AWS does. */
function canonicalPath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(encode(segment));
  }
  const end = segments.length > 0 && path.endsWith('/') ? '/' : '';
  return `/${segments.join('/')}${end}`;
}

function canonicalQuery(query: string): string {
  return query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair): [string, string] => {
      const equals = pair.indexOf('=');
      const [name, value] = equals === -1 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
      return [encode(decode(name)), encode(decode(value))];
    })
    .sort(byName)
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function byName([a, x]: [string, string], [b, y]: [string, string]): number {
  if (a !== b) return a < b ? -1 : 1;
  return x === y ? 0 : x < y ? -1 : 1;
}

/** RFC 3986: all but letters, digits and `-._~`. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
