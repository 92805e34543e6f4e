import { keep, plan, TEXT } from '../../json/plan.ts';
import type { JsonObject } from '../../json/value.ts';
import { asList, asObject, asText, jsonText } from '../../json/value.ts';
import type { FactsBuilder } from '../facts.ts';
import type { RealtimeFormat } from '../realtime/format.ts';
import { readGeminiUsage } from './generate.ts';
import { geminiUsage } from './usage.ts';

/** Gemini's Live API: ai.google.dev/api/live. A response is the model's turn; calls of tools are part of it. */
export const liveFormat: RealtimeFormat = {
  plan: plan({
    ...keep('usageMetadata'),
    setup: plan(keep('model')),
    toolCall: plan({ functionCalls: plan(keep('name')) }),
    serverContent: plan({
      ...keep('turnComplete', 'interrupted', 'turnCompleteReason', 'generationComplete'),
      outputTranscription: plan({ text: TEXT }),
      modelTurn: plan({ parts: plan({ text: TEXT, inlineData: plan(keep('mimeType')) }) }),
    }),
  }),

  model: (message) => asText(asObject(message['setup'])?.['model']),

  // What was said is written down by the model itself, and counted with its turn.
  transcriber: () => null,
  transcribed: () => null,

  asks(message) {
    const content = asObject(message['clientContent']) ?? asObject(message['client_content']);
    return content?.['turnComplete'] === true || content?.['turn_complete'] === true;
  },
  hears: () => false,
  fails: (message) => asObject(message['error']) !== null,

  responseOf(message) {
    const content = asObject(message['serverContent']);
    // What was said to the model is no response yet.
    const ofModel = content !== null && Object.keys(content).some((name) => name !== 'inputTranscription');
    return ofModel || asObject(message['toolCall']) !== null ? '' : null;
  },

  fold(facts, message) {
    readGeminiUsage(facts, message['usageMetadata']);
    for (const call of asList(asObject(message['toolCall'])?.['functionCalls'])) readCall(facts, asObject(call));
    const content = asObject(message['serverContent']);
    if (content === null) return false;
    facts.text(asObject(content['outputTranscription'])?.['text']);
    for (const value of asList(asObject(content['modelTurn'])?.['parts'])) {
      const part = asObject(value);
      facts.text(part?.['text']);
      if (asObject(part?.['inlineData']) !== null) facts.sawContent = true;
    }
    if (content['interrupted'] === true) facts.finish(0, 'interrupted');
    facts.finish(0, content['turnCompleteReason']);
    if (content['turnComplete'] === true) facts.complete = true;
    return facts.complete;
  },

  usage: geminiUsage,
};

function readCall(facts: FactsBuilder, call: JsonObject | null): void {
  if (call === null) return;
  facts.anotherToolCall();
  facts.text(call['name']);
  const parameters = asObject(call['args']);
  if (parameters !== null) facts.text(jsonText(parameters));
}
