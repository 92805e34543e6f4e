import { KEEP, keep, merge, plan } from '../../json/plan.ts';
import { asObject, asText } from '../../json/value.ts';
import type { RealtimeFormat } from '../realtime/format.ts';
import { responsesFormat } from './responses.ts';
import { openaiUsage } from './usage.ts';

/**
 * OpenAI's events over a WebSocket: platform.openai.com/docs/api-reference/realtime-server-events, also as Azure's voice
 * live and xAI's voice agents send them, and those of the Responses API. Each response has events of its own shape of the
 * Responses API; `response.done` has its counts.
 */
export const openaiRealtime: RealtimeFormat = {
  plan: merge(
    responsesFormat.plan,
    plan({
      ...keep('response_id', 'usage'),
      session: plan({
        ...keep('model', 'input_audio_transcription'),
        audio: plan({ input: plan(keep('transcription')) }),
      }),
      response: plan({ status_details: plan({ error: KEEP }) }),
    }),
  ),

  model(message) {
    const type = asText(message['type']) ?? '';
    return type === 'session.created' || type === 'session.updated'
      ? asText(asObject(message['session'])?.['model'])
      : null;
  },

  // `session.created`, `session.updated`; in a session that only transcribes also `transcription_session.…`.
  transcriber(message) {
    if (/^(?:transcription_)?session\.(?:created|updated)$/.exec(asText(message['type']) ?? '') === null) return null;
    const session = asObject(message['session']);
    const input = asObject(asObject(session?.['audio'])?.['input']);
    const named = asObject(input?.['transcription']) ?? asObject(session?.['input_audio_transcription']);
    return asText(named?.['model']);
  },

  // Its `usage` is of the model that transcribes, and billed at its price, by the token or by the second.
  transcribed(message) {
    const done = message['type'] === 'conversation.item.input_audio_transcription.completed';
    return done ? asObject(message['usage']) : null;
  },

  asks: (message) => message['type'] === 'response.create',
  hears: (message) => message['type'] === 'input_audio_buffer.committed',
  fails: (message) => message['type'] === 'error',

  responseOf(message) {
    if (asText(message['type'])?.startsWith('response.') !== true) return null;
    return asText(asObject(message['response'])?.['id']) ?? asText(message['response_id']) ?? '';
  },

  fold(facts, message) {
    // Items come again in the whole, where xAI numbers them otherwise: they are counted there.
    if (asObject(message['item']) === null) responsesFormat.event(facts, message, '');
    const failure = asObject(asObject(asObject(message['response'])?.['status_details'])?.['error']);
    if (failure !== null) facts.fail(asText(failure['type']) ?? asText(failure['code']), asText(failure['message']));
    // xAI has its counts beside the response: docs.x.ai/docs/guides/voice.
    facts.usage(message['usage']);
    return facts.complete;
  },

  usage: openaiUsage,
};
