/** Every reply of the three dialects that a provider really gave, asked for through the unified API by the SDKs of the others. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { providerOf } from '../providers/judge.ts';
import { ABSENT, recordingsPresent } from '../providers/recordings.ts';
import { firstKey } from '../support/administration.ts';
import { startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';
import { comparable, saidBy } from '../translate/said.ts';
import { sdks } from '../translate/sdk.ts';
import { dialects, takeRecordings, type Taken } from '../translate/traffic.ts';

if (!recordingsPresent) console.warn(ABSENT);

/** Who is asked, in a dialect. */
const models = { chat: 'openai/m', messages: 'anthropic/m', generate_content: 'google/m' } as const;

describe.skipIf(!recordingsPresent)('recorded replies through the unified API', () => {
  const taken = takeRecordings().filter((one) => one.status < 300);
  const pairs = dialects.flatMap((client) => dialects.filter((to) => to !== client).map((to) => [to, client] as const));
  let weir: TestWeir;
  let provider: ScriptedProvider;
  let current: Taken;

  beforeAll(async () => {
    provider = await startProvider((_, response) => {
      provider.seen.length = 0;
      response.writeHead(current.status, { 'content-type': current.contentType }).end(current.reply);
    });
    const upstreams = { openai: provider.url, anthropic: provider.url, google: provider.url };
    const keys = { OPENAI_API_KEY: 'sk-held', ANTHROPIC_API_KEY: 'sk-ant-held', GEMINI_API_KEY: 'AIza-held' };
    weir = await startWeir(upstreams, keys);
  });
  afterAll(async () => {
    await weir.stop();
    await provider.close();
  });

  test.each(pairs)('%s for clients of %s: their SDK reads the same', async (upstream, client) => {
    const url = client === 'chat' ? `${weir.proxy.url}/v1` : weir.proxy.url;
    const asking = { model: models[upstream], apiKey: firstKey(weir.dataDir) };
    const wrong: string[] = [];
    let [right, errors] = [0, 0];
    const own = taken.filter((one) => one.dialect === upstream);
    for (const one of own) {
      current = one;
      const known = saidBy(upstream, one.reply, one.contentType, providerOf(one.recording).name);
      try {
        const said = await sdks[client](url, one.streamed, asking);
        if (comparable(said, known) === comparable(known, known)) right++;
        else
          wrong.push(
            `${one.id}\n  ${comparable(known, known).slice(0, 600)}\n  ${comparable(said, known).slice(0, 600)}`,
          );
      } catch (error) {
        // What failed at the provider fails for the client too.
        if (one.recording.expect.is_error === true || one.recording.tags.includes('error_in_200')) errors++;
        else wrong.push(`${one.id}: ${String(error).slice(0, 300)}`);
      }
    }
    console.log(`${upstream} for ${client}, through Weir: ${right} of ${own.length} the same, ${errors} errors raised`);
    expect(wrong.join('\n')).toBe('');
    expect(right).toBeGreaterThan(100);
  });
});
