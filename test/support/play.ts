/** Recordings, played through a real Weir to a real client: what the provider sent and got, and what the client did. */
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { providers } from '@weir/proxy/src/providers/registry.ts';
import { providerOf } from '../providers/judge.ts';
import { bodyOf, type Recording } from '../providers/recordings.ts';
import { rawRequest } from './http.ts';
import { startProvider, type ScriptedProvider } from './provider.ts';
import { startWeir, type TestWeir } from './weir.ts';

export interface Stage {
  readonly weir: TestWeir;
  readonly provider: ScriptedProvider;
  close(): Promise<void>;
}

/** A Weir all of whose providers are one scripted server. */
export async function openStage(options: { ownStore?: boolean } = {}): Promise<Stage> {
  const provider = await startProvider((_, response) => response.end('ok'));
  const upstreams = Object.fromEntries([...providers.keys()].map((name) => [name, provider.url]));
  const weir = await startWeir(upstreams, {}, options);
  return {
    weir,
    provider,
    close: async () => {
      await weir.stop();
      await provider.close();
    },
  };
}

/** What stands before the vendor's own path: the provider, and a place where it has places. */
function prefixOf(recording: Recording): string {
  const { name, place } = providerOf(recording);
  return place === undefined ? `/${name}` : `/${name}/${place.example}`;
}

/** Headers that frame a message or that the test's own connection makes. */
const framing = /^(content-length|transfer-encoding|connection|keep-alive|host|content-encoding|date)$/i;

export const codings = {
  identity: (bytes: Buffer) => bytes,
  gzip: (bytes: Buffer) => gzipSync(bytes),
  br: (bytes: Buffer) => brotliCompressSync(bytes),
};
export type Coding = keyof typeof codings;

/** The coding in which a reply was recorded, where Weir's test has it; `identity` for every other. */
export function codingOf({ response }: Recording): Coding {
  const coding = response.original_content_encoding ?? '';
  return coding === 'gzip' || coding === 'br' ? coding : 'identity';
}

export interface Framing {
  readonly coding: Coding;
  /** Bytes in each of the provider's writes; 0: all at once, with a length. */
  readonly chunk: number;
}

export interface Played {
  /** Weir's id of the call. */
  readonly id: string;
  readonly status: number;
  /** What was not the same on both sides; nothing, as it should be. */
  readonly changed: string[];
}

/** Plays a recording through Weir. */
export async function play(
  { weir, provider }: Stage,
  recording: Recording,
  { coding, chunk }: Framing,
): Promise<Played> {
  const answer = codings[coding](bodyOf(recording.response));
  // A megabyte in writes of 7 bytes shows no more than its first thousand do, and takes a minute.
  const step = Math.max(chunk, Math.ceil(answer.length / 1_000));
  const headers = Object.entries(recording.response.headers).filter(([name]) => !framing.test(name));
  if (coding !== 'identity') headers.push(['content-encoding', coding]);
  if (chunk === 0) headers.push(['content-length', String(answer.length)]);
  provider.script = async (_, response) => {
    response.writeHead(recording.response.status, headers.flat());
    for (let from = 0; chunk > 0 && from < answer.length; from += step) {
      response.write(answer.subarray(from, from + step));
      if (from % (step * 64) === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    response.end(chunk === 0 ? answer : undefined);
  };
  const sent = bodyOf(recording.request);
  const sentHeaders = Object.entries(recording.request.headers).filter(([name]) => !framing.test(name));
  provider.seen.length = 0;
  const got = await rawRequest(weir.proxy.url, {
    method: recording.request.method,
    path: `${prefixOf(recording)}${recording.request.path}`,
    headers: sentHeaders,
    body: sent,
    ...(chunk > 0 ? { chunkBytes: Math.max(chunk, 512) } : {}),
  });
  const [seen] = provider.seen;
  const passed = pairs(seen?.headers ?? []).filter(([name]) => !framing.test(name));
  const changed = [
    ...(got.complete ? [] : ['the reply has no end']),
    ...(got.body.equals(answer) ? [] : ["the client's bytes"]),
    ...(seen?.url === recording.request.path ? [] : [`the path: ${seen?.url}`]),
    ...(seen?.body.equals(sent) === true ? [] : ["the provider's bytes"]),
    ...headers.filter(([name, value]) => got.header(name.toLowerCase()) !== value).map(([name]) => `header ${name}`),
    ...(JSON.stringify(passed) === JSON.stringify(sentHeaders) ? [] : ['the request headers']),
  ];
  return { id: got.header('weir-id') ?? '', status: got.status, changed };
}

function pairs(flat: string[]): [string, string][] {
  return flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? ''] as [string, string]] : []));
}
