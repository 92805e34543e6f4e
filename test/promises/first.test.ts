import { afterAll, beforeAll, expect, test } from 'vitest';
import { startWeir, type TestWeir } from '../support/weir.ts';
import { chatChunks, chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await startProvider((seen, response) => {
    if (seen.body.includes('"stream":true')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const chunk of chatChunks(['Hel', 'lo'])) response.write(chunk);
      response.end();
    } else json(response, chatCompletion());
  });
  weir = await startWeir({ openai: provider.url });
});
afterAll(async () => {
  await weir?.stop();
  await provider?.close();
});

for (const stream of [false, true]) {
  test(`a call leaves one row with its tokens and cost (stream: ${stream})`, async () => {
    const response = await fetch(`${weir.proxy.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer sk-test', 'weir-user': 'alice' },
      body: JSON.stringify({ model: 'gpt-4o-mini', stream, messages: [{ role: 'user', content: 'hi' }] }),
    });
    console.log(response.status, [...response.headers]);
    console.log(await response.text());
    const row = await weir.request(response.headers.get('weir-id') ?? '');
    console.log(row, await weir.attempts(row.request_id), await weir.body(row.request_id));
    console.log(weir.proxy.log);
    expect(row.input_tokens).toBe(12);
  });
}
