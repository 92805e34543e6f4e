/** Weir's own paths as an administrator's program calls them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Answered {
  status: number;
  headers: Headers;
  text: string;
  json: Record<string, unknown>;
}

/** The key made at the first start. */
export function firstKey(dataDir: string): string {
  return readFileSync(join(dataDir, 'key'), 'utf8').trim();
}

/** Asks one path. @param key null: none is sent. */
export async function ask(
  url: string,
  key: string | null,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answered> {
  const response = await fetch(`${url}/weir${path}`, {
    method,
    headers: {
      ...(key === null ? {} : { 'Weir-Key': key }),
      ...(method === 'GET' ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
  return { status: response.status, headers: response.headers, text, json };
}

export interface MadeKey {
  key: string;
  key_id: string;
}

/** Makes a Weir key. @throws when that is refused. */
export async function makeKey(url: string, admin: string, settings: object): Promise<MadeKey> {
  const made = await ask(url, admin, 'POST', '/keys', settings);
  if (made.status !== 201) throw new Error(`no key: ${made.status} ${made.text}`);
  return made.json as unknown as MadeKey;
}
