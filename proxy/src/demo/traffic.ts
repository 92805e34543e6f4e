/** A trickle of live calls through the demo's proxy, so that its pages move. */
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { makeRandom } from './random.ts';
import { teams, users, type DemoModel } from './world.ts';

const questions = [
  'A customer sent this photo. Do we carry this lamp in brass, under 400 euros, with delivery before 28 November?',
  'Where is my order 40-1187? It should have been here on Monday.',
  'Summarise the attached minutes in three sentences for people who were not there.',
  'Write two lines for the newsletter about the winter sale.',
];
const system = 'You answer questions of the shop’s own staff about the catalogue. Do not guess prices or stock.';

/** Calls until `signal` is aborted, about one a second. */
export async function trickle(proxyUrl: string, signal: AbortSignal): Promise<void> {
  const random = makeRandom(Date.now());
  while (!signal.aborted) {
    const team = random.weighted(teams);
    const model = random.weighted(team.models);
    const headers = {
      'content-type': 'application/json',
      authorization: 'Bearer sk-demo',
      'weir-user': users[Math.floor(random.next() ** 2 * users.length)] ?? '',
      'weir-property-team': team.name,
      'weir-property-feature': random.pick(team.features),
      'weir-property-environment': 'production',
    };
    const body = JSON.stringify(question(model, random.pick(questions), random.chance(team.streamed)));
    void call(`${proxyUrl}/${model.provider}${model.path}`, headers, body, signal);
    await delay(random.logNormal(900, 0.6), undefined, { signal }).catch(() => undefined);
  }
}

function question(model: DemoModel, text: string, stream: boolean): object {
  if (model.operation === 'generate_content') {
    return { systemInstruction: { parts: [{ text: system }] }, contents: [{ role: 'user', parts: [{ text }] }] };
  }
  const messages = [{ role: 'user', content: text }];
  return model.operation === 'messages'
    ? { model: model.model, max_tokens: 512, system, messages, stream }
    : { model: model.model, messages: [{ role: 'system', content: system }, ...messages], stream };
}

async function call(url: string, headers: Record<string, string>, body: string, signal: AbortSignal): Promise<void> {
  try {
    const response = await request(url, { method: 'POST', headers, body, signal });
    await response.body.dump();
  } catch {
    // The demo stops, or its provider cut the call: both are in the rows.
  }
}
