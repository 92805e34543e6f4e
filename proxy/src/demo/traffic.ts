/** A trickle of live calls through the demo's proxy, so that its pages move. */
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { makeRandom } from './random.ts';
import { questionBody, questions } from './replies.ts';
import { teams, users } from './world.ts';

/** Calls until `signal` is aborted, one in four seconds or so. */
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
    const body = JSON.stringify(
      questionBody(model.operation, model.model, random.pick(questions), random.chance(team.streamed)),
    );
    void call(`${proxyUrl}/${model.provider}${model.path}`, headers, body, signal);
    await delay(random.logNormal(4_000, 0.6), undefined, { signal }).catch(() => undefined);
  }
}

async function call(url: string, headers: Record<string, string>, body: string, signal: AbortSignal): Promise<void> {
  try {
    const response = await request(url, { method: 'POST', headers, body, signal });
    await response.body.dump();
  } catch {
    // The demo stops, or its provider cut the call: both are in the rows.
  }
}
