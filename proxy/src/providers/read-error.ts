import type { JsonObject } from '../json/value.ts';
import { asList, asObject, asText } from '../json/value.ts';
import { CutText } from '../json/project.ts';
import type { FactsBuilder } from './facts.ts';
import type { Plan } from '../json/plan.ts';
import { keep, plan } from '../json/plan.ts';

/** What a large document must keep for its error to be read. */
export const ERROR_PLAN: Plan = plan({
  ...keep('type', 'code', 'message', 'detail', 'object', '__type', 'Message', 'err_code', 'err_msg', 'error_type'),
  error: plan(keep('type', 'code', 'message', 'status'), { keep: true }),
  errors: plan(keep('code', 'message')),
});

/**
 * An error in any of the shapes that providers use, also inside HTTP 200:
 * `{error:{message,type,code}}` (OpenAI), `{type:"error",error:{type,message}}` (Anthropic),
 * `{error:{code:404,message,status:"NOT_FOUND"}}` (Google), `{error:"…",code}` (xAI, Ollama),
 * `{error:"…",error_type}` (Hugging Face), `{detail:"…"}` and `{detail:[{msg,type}]}` (Mistral, FastAPI),
 * `{object:"error",message,type}` (vLLM, Mistral). Only when the status says so: `{message}` (AWS, Cohere; AWS has the
 * type in `__type` or a header), `{err_code,err_msg}` (Deepgram), `{errors:[{code,message}]}` (watsonx).
 */
export function readError(facts: FactsBuilder, value: unknown, failed: boolean): boolean {
  const body = asObject(value);
  if (body === null) return false;
  const error = asObject(body['error']);
  if (error !== null && Object.keys(error).length > 0) {
    const type = asText(error['type']) ?? asText(error['status']) ?? codeOf(error);
    facts.fail(type, said(error['message']));
    return true;
  }
  const text = said(body['error']);
  if (text !== null) {
    facts.fail(asText(body['type']) ?? asText(body['code']) ?? asText(body['error_type']), text);
    return true;
  }
  if (!failed && body['object'] !== 'error' && body['type'] !== 'error') return false;
  const first = asObject(asList(body['errors'])[0]) ?? asObject(asList(body['detail'])[0]);
  facts.fail(typeOf(body) ?? (first === null ? null : typeOf(first)), messageOf(body) ?? messageOf(first));
  return true;
}

/** A code in words. One in digits repeats the status (Azure's gateway: `{error:{code:"429",message}}`). */
function codeOf(error: JsonObject): string | null {
  const code = asText(error['code']);
  return code === null || /^\d+$/.test(code) ? null : code;
}

function typeOf(body: JsonObject): string | null {
  const type = asText(body['type']);
  if (type !== null && type !== 'error') return type;
  // AWS writes the type with its namespace: com.amazon.coral.service#ThrottlingException.
  const aws = asText(body['__type']);
  return asText(body['code']) ?? aws?.slice(aws.indexOf('#') + 1) ?? asText(body['err_code']);
}

function messageOf(body: JsonObject | null): string | null {
  for (const name of ['message', 'detail', 'Message', 'err_msg', 'msg']) {
    const text = said(body?.[name]);
    if (text !== null) return text;
  }
  return null;
}

function said(value: unknown): string | null {
  if (value instanceof CutText) return value.kept;
  return asText(value);
}
