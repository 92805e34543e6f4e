/**
 * How the dashboard administers: through the proxy's own REST, from the server alone, with a key that never leaves it. Whatever
 * goes wrong is a sentence; nothing that was sent is repeated in one.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Problem } from '../../settled.ts';
import { env, proxyUrl } from '../env.ts';

/** What is wrong, by field as the REST names it: `limits.0.quota`. */
export type FieldErrors = Record<string, string>;
export interface Refusal {
  ok: false;
  problem: Problem;
  fields: FieldErrors;
  status: number;
}
export type Answered<T> = { ok: true; value: T } | Refusal;

const refused = z.object({
  error: z.object({
    message: z.string(),
    code: z.string(),
    fields: z.array(z.object({ field: z.string(), message: z.string() })).default([]),
  }),
});

const DEADLINE_MS = 15_000;

/** The key to administer with. Read each time: the proxy makes it at its first start, which may come later than ours. */
function readKey(): string | undefined {
  if (env.WEIR_KEY !== undefined) return env.WEIR_KEY;
  if (env.WEIR_DATA_DIR === undefined) return undefined;
  try {
    return readFileSync(join(env.WEIR_DATA_DIR, 'key'), 'utf8').trim() || undefined;
  } catch {
    // No file, or none that may be read: said by whoever asks.
    return undefined;
  }
}

/** Asks one path under `/weir`. @param shape of the answer. */
export async function ask<T extends z.ZodType>(
  shape: T,
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: object,
): Promise<Answered<z.output<T>>> {
  const key = readKey();
  if (key === undefined) {
    const sentence =
      'No Weir key is at hand to administer with: start the dashboard with WEIR_DATA_DIR, where the first key is, or with WEIR_KEY.';
    return refusal(503, { code: 'no_key', sentence, detail: '' });
  }
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${proxyUrl}/weir${path}`, {
      method,
      // The audit says by which key, and for whom.
      headers: { 'weir-key': key, 'weir-user': 'dashboard', 'content-type': 'application/json' },
      ...(method === 'GET' ? {} : { body: JSON.stringify(body ?? {}) }),
      // A key is sent nowhere but where it belongs.
      redirect: 'error',
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    text = await response.text();
  } catch {
    const sentence = `The proxy does not answer at ${proxyUrl}. Keys are read and changed through it.`;
    return refusal(503, { code: 'proxy_away', sentence, detail: '' });
  }
  return read(shape, response.status, text);
}

function read<T extends z.ZodType>(shape: T, status: number, text: string): Answered<z.output<T>> {
  const json = parseJson(text);
  if (status < 400) {
    const parsed = shape.safeParse(json);
    if (parsed.success) return { ok: true, value: parsed.data };
    const detail = parsed.error.issues[0]?.path.join('.') ?? '';
    const sentence = 'The proxy answered in another shape. Dashboard and proxy may be of different versions.';
    return refusal(502, { code: 'unexpected_answer', sentence, detail });
  }
  const said = refused.safeParse(json);
  if (!said.success) {
    const sentence = `The proxy answered ${status}, and not in words of Weir. Something else may stand at ${proxyUrl}.`;
    return refusal(502, { code: 'unexpected_answer', sentence, detail: '' });
  }
  const { message, code, fields } = said.data.error;
  const byField = Object.fromEntries(fields.map(({ field, message: why }) => [field, why]));
  return refusal(status, { code, sentence: message, detail: '' }, byField);
}

function refusal(status: number, problem: Problem, fields: FieldErrors = {}): Refusal {
  return { ok: false, status, problem, fields };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
