import { asObject, asText } from '../json/value.ts';
import { CutText } from '../json/project.ts';
import type { FactsBuilder } from './facts.ts';
import type { Plan } from '../json/plan.ts';
import { keep, plan } from '../json/plan.ts';

/** What a large document must keep for its error to be read. */
export const ERROR_PLAN: Plan = plan({
  ...keep('type', 'code', 'message', 'detail', 'object'),
  error: plan(keep('type', 'code', 'message', 'status'), { keep: true }),
});

/**
 * An error in any of the shapes that providers use, also inside HTTP 200:
 * `{error:{message,type,code}}` (OpenAI), `{type:"error",error:{type,message}}` (Anthropic),
 * `{error:{code:404,message,status:"NOT_FOUND"}}` (Google), `{error:"…",code}` (xAI, Ollama), `{detail:"…"}` (Mistral,
 * FastAPI), `{object:"error",message,type}` (vLLM, Mistral), `{message}` (AWS, Cohere; only when the status says so).
 */
export function readError(facts: FactsBuilder, value: unknown, failed: boolean): boolean {
  const body = asObject(value);
  if (body === null) return false;
  const error = asObject(body['error']);
  if (error !== null && Object.keys(error).length > 0) {
    const type = asText(error['type']) ?? asText(error['status']) ?? asText(error['code']);
    facts.fail(type, said(error['message']));
    return true;
  }
  const text = said(body['error']);
  if (text !== null) {
    facts.fail(asText(body['type']) ?? asText(body['code']), text);
    return true;
  }
  if (!failed && body['object'] !== 'error' && body['type'] !== 'error') return false;
  const type = asText(body['type']);
  facts.fail(
    type === 'error' ? asText(body['code']) : (type ?? asText(body['code'])),
    said(body['message']) ?? said(body['detail']),
  );
  return true;
}

function said(value: unknown): string | null {
  if (value instanceof CutText) return value.kept;
  return asText(value);
}
