/** Everything that goes wrong between Weir and a provider, scripted; and what each policy is to make of it. */
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { chatChunks, chatCompletion, json } from '../support/provider.ts';

export interface Fault {
  name: string;
  /** Whose path is called; each has an upstream of its own. */
  at: 'openai' | 'refused' | 'unresolved' | 'untrusted';
  /** What the provider does; absent where there is none. */
  act?: (response: ServerResponse, streamed: boolean) => unknown;
  /** What the attempt comes to, and what the client gets where nothing is done about it. */
  comes: (streamed: boolean) => Coming;
}

export interface Coming {
  /** Why another attempt is made; null where none may be. */
  trigger: RegExp | null;
  outcome: string;
  /** What the client is sent in the end. */
  status: number;
  /** The answer reaches its end. */
  complete: boolean;
  /** Of Weir's own error; undefined for a provider's answer. */
  code?: string;
  /** How long a retry waits, ms; undefined: by chance between the policy's bounds. */
  waits?: number;
  /** Nobody can say whether the attempt was billed. */
  mayBeBilled?: true;
}

/** Of the policies under test, ms. */
export const bounds = { min: 50, max: 100, headers: 400, idle: 400 };

const answered = (status: number, outcome: string, more: Partial<Coming> = {}): Coming => ({
  trigger: new RegExp(`^${status}$`),
  outcome,
  status,
  complete: true,
  ...more,
});
const unreachable: Coming = {
  trigger: /^network:/,
  outcome: 'network_error',
  status: 502,
  complete: true,
  code: 'upstream_unreachable',
};
const cut = (streamed: boolean, trigger: RegExp, outcome: string): Coming => ({
  // Of a stream some content has gone to the client; of a short JSON body nothing has until it is whole.
  trigger: streamed ? null : trigger,
  outcome,
  status: 200,
  complete: false,
  mayBeBilled: true,
});
const fine: Coming = { trigger: null, outcome: 'ok', status: 200, complete: true };

const sse = { 'content-type': 'text/event-stream' };
const refuse =
  (status: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    json(response, { error: { type: 'said', message: `status ${status}`, code: null } }, status);
  };
const half = (response: ServerResponse, streamed: boolean): void => {
  const text = JSON.stringify(chatCompletion());
  response.writeHead(200, streamed ? sse : { 'content-type': 'application/json', 'content-length': text.length });
  response.write(streamed ? chatChunks(['a', 'b']).slice(0, 2).join('') : text.slice(0, 40));
};
const whole = (response: ServerResponse, streamed: boolean): void => {
  if (!streamed) return json(response, chatCompletion());
  response.writeHead(200, sse);
  response.end(chatChunks(['a', 'b']).join(''));
};
/** What a healthy provider says. */
export const healthy = whole;

export const faults: readonly Fault[] = [
  { name: 'connect refused', at: 'refused', comes: () => unreachable },
  { name: 'DNS failure', at: 'unresolved', comes: () => unreachable },
  { name: 'TLS failure', at: 'untrusted', comes: () => unreachable },
  {
    name: 'reset before headers',
    at: 'openai',
    act: (response) => response.socket?.resetAndDestroy(),
    comes: () => ({ ...unreachable, mayBeBilled: true }),
  },
  {
    name: 'reset in mid-body',
    at: 'openai',
    act: (response, streamed) => {
      half(response, streamed);
      setTimeout(() => response.socket?.resetAndDestroy(), 50);
    },
    comes: (streamed) => cut(streamed, /^network:/, streamed ? 'truncated' : 'network_error'),
  },
  {
    name: 'silent',
    at: 'openai',
    act: () => undefined,
    comes: () => ({
      trigger: /^timeout:headers$/,
      outcome: 'timeout',
      status: 504,
      complete: true,
      code: 'upstream_timeout',
      mayBeBilled: true,
    }),
  },
  {
    name: 'slow headers',
    at: 'openai',
    act: (response, streamed) => setTimeout(() => whole(response, streamed), 150),
    comes: () => fine,
  },
  { name: 'slow body', at: 'openai', act: half, comes: (streamed) => cut(streamed, /^timeout:idle$/, 'timeout') },
  { name: '429', at: 'openai', act: refuse(429), comes: () => answered(429, 'rate_limited') },
  {
    name: '429, Retry-After in seconds',
    at: 'openai',
    act: refuse(429, { 'retry-after': '30' }),
    comes: () => answered(429, 'rate_limited', { waits: bounds.max }),
  },
  {
    name: '429, Retry-After as a date',
    at: 'openai',
    act: (response) => refuse(429, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() })(response),
    comes: () => answered(429, 'rate_limited', { waits: bounds.max }),
  },
  {
    name: '429, Retry-After as a date that has passed',
    at: 'openai',
    act: refuse(429, { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }),
    comes: () => answered(429, 'rate_limited', { waits: 0 }),
  },
  {
    name: '429, retry-after-ms',
    at: 'openai',
    act: refuse(429, { 'retry-after-ms': '20', 'retry-after': '30' }),
    comes: () => answered(429, 'rate_limited', { waits: 20 }),
  },
  {
    name: '429, Retry-After that nobody can read',
    at: 'openai',
    act: refuse(429, { 'retry-after': 'soon' }),
    comes: () => answered(429, 'rate_limited'),
  },
  { name: '500', at: 'openai', act: refuse(500), comes: () => answered(500, 'provider_error') },
  {
    name: '503',
    at: 'openai',
    act: refuse(503, { 'retry-after': '0' }),
    comes: () => answered(503, 'provider_error', { waits: 0 }),
  },
  { name: '529', at: 'openai', act: refuse(529), comes: () => answered(529, 'provider_error') },
  { name: '401', at: 'openai', act: refuse(401), comes: () => answered(401, 'client_error', { trigger: null }) },
  { name: '400', at: 'openai', act: refuse(400), comes: () => answered(400, 'client_error', { trigger: null }) },
  {
    name: 'error in 200',
    at: 'openai',
    act: (response, streamed) => {
      const error = { error: { type: 'overloaded_error', message: 'Overloaded' } };
      if (!streamed) return json(response, error);
      response.writeHead(200, sse);
      response.write(': comment\n\n');
      response.end(`event: error\ndata: ${JSON.stringify(error)}\n\n`);
    },
    comes: () => ({ ...answered(200, 'provider_error', { mayBeBilled: true }), trigger: /^stream:overloaded_error$/ }),
  },
  {
    name: 'malformed JSON',
    at: 'openai',
    act: (response, streamed) => {
      if (!streamed) return response.writeHead(200, { 'content-type': 'application/json' }).end('{"choices": [');
      const [first = '', ...rest] = chatChunks(['a', 'b']);
      response.writeHead(200, sse);
      response.end([first, 'data: {"choices": [\n\n', ...rest].join(''));
    },
    comes: () => fine,
  },
  {
    name: 'truncated gzip',
    at: 'openai',
    act: (response, streamed) => {
      const text = streamed ? chatChunks(['a', 'b']).join('') : JSON.stringify(chatCompletion());
      const bytes = gzipSync(text).subarray(0, -12);
      const type = streamed ? 'text/event-stream' : 'application/json';
      response.writeHead(200, { 'content-type': type, 'content-encoding': 'gzip', 'content-length': bytes.length });
      response.end(bytes);
    },
    comes: () => fine,
  },
];
