/** A provider's errors in the client's dialect: with the same meaning, and in the provider's own words. */
import type { JsonObject } from '../json/value.ts';
import { asCount, asList, asObject } from '../json/value.ts';
import { anthropicErrors } from '../providers/anthropic/dialect.ts';
import type { ErrorShape } from '../providers/dialect.ts';
import { FactsBuilder } from '../providers/facts.ts';
import { googleErrors } from '../providers/google/dialect.ts';
import { openaiErrors } from '../providers/openai/dialect.ts';
import { readError } from '../providers/read-error.ts';
import type { TranslatedDialect } from './conversation.ts';
import type { ReplyError } from './reply-events.ts';

const SHAPES: Readonly<Record<TranslatedDialect, ErrorShape>> = {
  chat: openaiErrors,
  messages: anthropicErrors,
  generate_content: googleErrors,
};

/**
 * The status that an error in a stream would have had, by the vendors' words: docs.anthropic.com/en/api/errors,
 * cloud.google.com/apis/design/errors, platform.openai.com/docs/guides/error-codes.
 */
const STATUS_OF: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  context_length_exceeded: 400,
  authentication_error: 401,
  UNAUTHENTICATED: 401,
  permission_error: 403,
  PERMISSION_DENIED: 403,
  not_found_error: 404,
  NOT_FOUND: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
  insufficient_quota: 429,
  RESOURCE_EXHAUSTED: 429,
  UNAVAILABLE: 503,
  timeout_error: 504,
  DEADLINE_EXCEEDED: 504,
  overloaded_error: 529,
};

/** Reads an error in any provider's shape; `null` where there is none. */
export function readReplyError(value: unknown, status: number | null): ReplyError | null {
  const facts = new FactsBuilder();
  const body = asObject(value) ?? asObject(asList(value)[0]);
  if (body === null || !readError(facts, body, status !== null && status >= 400) || facts.error === null) return null;
  const { type, message } = facts.error;
  return { status: status ?? statusOf(body, type), type, message: message ?? type ?? 'The provider gave no reason.' };
}

function statusOf(body: JsonObject, type: string | null): number {
  const error = asObject(body['error']);
  const code = asCount(error?.['code']) ?? asCount(error?.['status_code']);
  if (code !== null && code >= 400 && code < 600) return code;
  return STATUS_OF[type ?? ''] ?? STATUS_OF[String(error?.['code'])] ?? 500;
}

/** An error that is no JSON: its text, unless it is a page. */
export function plainReplyError(text: string, status: number): ReplyError {
  const words = text.trim();
  const message = words === '' || words.startsWith('<') ? `The provider answered ${status}.` : words.slice(0, 2000);
  return { status, type: null, message };
}

const given = (error: ReplyError): { status: number; code: string; message: string } => ({
  status: error.status,
  code: error.type ?? 'provider_error',
  message: error.message,
});

export function errorDocument(error: ReplyError, dialect: TranslatedDialect): string {
  return JSON.stringify(SHAPES[dialect].errorBody(given(error)));
}

export function errorEvent(error: ReplyError, dialect: TranslatedDialect): string {
  return SHAPES[dialect].errorEvent(given(error));
}
