/** Whose call it is and for which model, as the recorder will read it: where no header says the user, the body does. */
import type { Call } from '../call.ts';
import { asObject, parseJson, type JsonObject } from '../json/value.ts';
import type { Provider } from '../providers/provider.ts';
import { rewriteBody, type BodyChange } from '../routing/rewrite.ts';
import { endUserOf, namedModel } from '../providers/request.ts';
import type { Caller } from './rule.ts';

/** A body that is held whole. */
export interface Held {
  bytes: Buffer;
  text: string;
  /** Null where it is no JSON object that can be read: compressed, a form, broken. */
  root: JsonObject | null;
}

export function readHeld(call: Call, bytes: Buffer): Held {
  const encoding = call.incoming.headers['content-encoding'] ?? '';
  const plain = encoding === '' || encoding.toLowerCase() === 'identity';
  const text = bytes.toString();
  return { bytes, text, root: plain ? asObject(parseJson(text)?.value) : null };
}

/** @param held null where the body was not held. @param going where the call goes first; its model is '' where the body's stays. */
export function callerOf(call: Call, held: Held | null, going: Pick<Going, 'provider' | 'model'>): Caller {
  const { user, model } = readCaller(call, held);
  return { call, user, provider: going.provider.name, model: going.model || model };
}

/** One of the places to which a call may go. */
export interface Going {
  provider: Provider;
  /** '' where the call's own stays. */
  model: string;
  host: string;
  /** What it changes in the body; null: nothing but the model. */
  variant: BodyChange['variant'];
}

/** The body as it is sent to a place. */
export function heldFor(call: Call, held: Held | null, { variant }: Going): Held | null {
  if (variant === null || held === null) return held;
  return readHeld(call, rewriteBody(held.bytes, { operation: call.operation, model: null, variant }));
}

function readCaller(call: Call, held: Held | null): { user: string; model: string } {
  const { instructions, operation, provider, path, requestModel, incoming } = call;
  const user = instructions.user;
  if (held === null) return { user, model: requestModel };
  const contentType = incoming.headers['content-type'] ?? '';
  if (held.root !== null || !contentType.startsWith('multipart/')) {
    return {
      user: user || (endUserOf(operation, held.root) ?? ''),
      model: namedModel(held.root) ?? requestModel,
    };
  }
  const form = provider.dialect.requestReader({ operation, path, contentType });
  form.feed(held.bytes);
  const facts = form.end();
  return { user: user || (facts.user ?? ''), model: facts.model ?? requestModel };
}
