import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** The recordings lie beside the repository; they are not part of it. */
const FOLDER = fileURLToPath(new URL('../../../shared/traffic/', import.meta.url));
export const recordingsPresent = existsSync(`${FOLDER}dev.jsonl.gz`);
export const ABSENT = `no recordings at ${FOLDER}: skipped`;

const count = z.number().nullable().default(null);
const text = z.string().nullable().default(null);
const message = z.object({
  headers: z.record(z.string(), z.string()),
  body: z.string().nullish(),
  body_base64: z.string().nullish(),
});

const recordingSchema = z.object({
  id: z.string(),
  provider: z.string(),
  api: z.string(),
  stream: z.boolean(),
  response_kind: z.string(),
  tags: z.array(z.string()).default([]),
  flags: z.array(z.string()).default([]),
  expect_confidence: z.string().default('high'),
  request: message.extend({ method: z.string(), path: z.string() }),
  response: message.extend({ status: z.number(), original_content_encoding: z.string().nullish() }),
  expect: z.object({
    model: text,
    request_model: text,
    input_tokens: count,
    output_tokens: count,
    cached_input_tokens: count,
    cache_write_tokens: count,
    reasoning_tokens: count,
    total_tokens: count,
    input_audio_tokens: count,
    output_audio_tokens: count,
    tool_use_prompt_tokens: count,
    reported_cost: count,
    finish_reasons: z
      .array(z.union([z.string(), z.number(), z.null()]))
      .nullable()
      .default([]),
    tool_calls: count,
    response_id: text,
    is_error: z.boolean().nullable().default(false),
    error_type: text,
    error_message: text,
  }),
});
export type Recording = z.infer<typeof recordingSchema>;

function parse(lines: string): Recording[] {
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => recordingSchema.parse(JSON.parse(line)));
}

export function readRecordings(): Recording[] {
  return parse(gunzipSync(readFileSync(`${FOLDER}dev.jsonl.gz`)).toString('utf8'));
}

export function readSyntheticErrors(): Recording[] {
  return parse(readFileSync(`${FOLDER}synthetic-errors.jsonl`, 'utf8'));
}

export function bodyOf(part: Recording['request'] | Recording['response']): Buffer {
  if (typeof part.body_base64 === 'string') return Buffer.from(part.body_base64, 'base64');
  return Buffer.from(part.body ?? '', 'utf8');
}
