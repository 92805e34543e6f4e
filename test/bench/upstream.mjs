/** The provider of the benchmark, in a process of its own: a fixed answer of about 1 KB, or a stream of chunks. */
import { createServer } from 'node:http';

const body = JSON.stringify({
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  model: 'gpt-4o-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'x'.repeat(700) }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 200, completion_tokens: 150, total_tokens: 350 },
});
const chunk = `data: ${JSON.stringify({ id: 'c', model: 'gpt-4o-mini', choices: [{ index: 0, delta: { content: 'word ' }, finish_reason: null }] })}\n\n`;

const server = createServer((incoming, response) => {
  incoming.resume();
  incoming.on('end', () => {
    if (incoming.url.includes('stream=held')) return hold(response);
    if (incoming.url.includes('stream')) return stream(response);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    response.end(body);
  });
});

/** A stream that stays open until the client leaves. */
function hold(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(chunk.repeat(10));
}

/** Twenty chunks, one each five milliseconds; each says when it was sent. */
function stream(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  let left = 20;
  const timer = setInterval(() => {
    response.write(`: ${process.hrtime.bigint()}\n${chunk}`);
    if (--left > 0) return;
    clearInterval(timer);
    response.end('data: [DONE]\n\n');
  }, 5);
}

server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}` }));
