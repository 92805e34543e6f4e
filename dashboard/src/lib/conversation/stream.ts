/** Raw server-sent events to their JSON values. What is no JSON is left out; a cut last event is dropped. */
import { asList, isObject, type Json } from './model.ts';

export function isEventStream(body: string): boolean {
  return /^\s*(event|data|id|retry|:)\s?:?/m.test(body.slice(0, 400)) && /^data:/m.test(body.slice(0, 4000));
}

export function readEvents(body: string): Json[] {
  const events: Json[] = [];
  for (const chunk of body.split(/\r?\n\r?\n/)) {
    const data = chunk
      .split(/\r?\n/)
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice(line[5] === ' ' ? 6 : 5))
      .join('\n');
    if (data === '' || data === '[DONE]') continue;
    const parsed = parse(data);
    if (parsed !== undefined) events.push(parsed);
  }
  return events;
}

export function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** A reply as one value or as its events; Gemini also streams one JSON array. */
export function readReply(body: string): { whole: Json } | { events: Json[] } | undefined {
  if (body.trim() === '') return undefined;
  if (isEventStream(body)) return { events: readEvents(body) };
  const whole = parse(body);
  if (whole !== undefined)
    return Array.isArray(whole) && whole.some((one) => isObject(one) && 'candidates' in one)
      ? { events: asList(whole) }
      : { whole };
  const lines = body.trim().split('\n').map(parse);
  return lines.length > 1 && lines.every((line) => line !== undefined) ? { events: lines } : undefined;
}
