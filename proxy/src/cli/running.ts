/** The proxy that runs, as a program that calls it finds it. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { request } from 'undici';
import { z } from 'zod';
import type { Settings } from '../env.ts';
import { readSettings } from './start.ts';
import { check } from './usage.ts';

const address = z
  .url({ protocol: /^https?$/, error: 'expected http(s)://host:port' })
  .transform((text) => text.replace(/\/+$/, ''));

const deadlineMs = 15_000;

export interface Running {
  url: string;
  settings: Settings;
  /** Null: none is at hand. */
  key: string | null;
}

/** @param option what `--weir` said. */
export function findRunning(option: string | undefined): Running {
  // Names of those who call Weir, not settings of its own.
  const { WEIR_PUBLIC_PROXY_URL, WEIR_KEY, ...environment } = process.env;
  const settings = readSettings(environment);
  const [name, said] =
    option === undefined ? ['WEIR_PUBLIC_PROXY_URL', WEIR_PUBLIC_PROXY_URL || undefined] : ['--weir', option];
  const url = said === undefined ? `http://127.0.0.1:${settings.WEIR_PROXY_PORT || 8787}` : check(name, address, said);
  return { url, settings, key: WEIR_KEY || readFirstKey(settings.WEIR_DATA_DIR) };
}

function readFirstKey(dataDir: string): string | null {
  try {
    return readFileSync(join(resolve(dataDir), 'key'), 'utf8').trim() || null;
  } catch {
    return null;
  }
}

const refusal = z.object({ error: z.object({ message: z.string() }) });

/** Asks one path under `/weir` as an administrator. @returns the status, and Weir's own words where it refuses. @throws when nobody answers. */
export async function administer(
  { url, key }: Running,
  method: 'POST' | 'PATCH',
  path: string,
  body: object,
): Promise<{ status: number; message: string }> {
  if (key === null) {
    throw new Error('No Weir key is at hand to administer with: run this where WEIR_DATA_DIR is, or set WEIR_KEY.');
  }
  const answer = await request(`${url}/weir${path}`, {
    method,
    headers: { 'weir-key': key, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    headersTimeout: deadlineMs,
    bodyTimeout: deadlineMs,
  }).catch((error: unknown) => {
    throw new Error(`Weir does not answer at ${url}. Is it running (npm start)?`, { cause: error });
  });
  const said = refusal.safeParse(await answer.body.json().catch(() => undefined));
  return { status: answer.statusCode, message: said.success ? said.data.error.message : '' };
}
