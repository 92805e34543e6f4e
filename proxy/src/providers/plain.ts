import { keep, merge, plan } from '../json/plan.ts';
import { ERROR_PLAN, readError } from './read-error.ts';
import type { Format } from './format.ts';

/** Token counts, batches, files, model lists, unknown endpoints: what they report is no usage of this call. */
export const plainFormat: Format = {
  plan: merge(ERROR_PLAN, plan(keep('id', 'model', 'type'))),
  reply(facts, body) {
    facts.identity(body['model'], body['id']);
  },
  event(facts, event) {
    if (!readError(facts, event, false)) facts.identity(event['model'], event['id']);
  },
  endsWithBytes: true,
  usage: () => null,
};

/** What was stored and is handed out again (a file, a batch's lines): its words are not this reply's. */
export const storedFormat: Format = {
  plan: ERROR_PLAN,
  reply: () => undefined,
  event: () => undefined,
  stored: true,
  endsWithBytes: true,
  usage: () => null,
};
