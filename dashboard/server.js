/**
 * The dashboard's process: SvelteKit's handler behind a server of our own, so that a supervisor learns the port it got
 * (`PORT=0` takes a free one) and that it ends when its parent does. Environment: `src/lib/server/env.ts`.
 */
import { createServer } from 'node:http';

const host = process.env.HOST ?? '127.0.0.1';
const port = Number(process.env.PORT ?? 8788);
/** Exit code by which the supervisor knows that a new start would fail in the same way (sysexits.h, EX_CONFIG). */
const configurationExit = 78;

function giveUp(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(configurationExit);
}

// The adapter takes every request for https unless a header says otherwise; then no form of a plain http page would be of its
// own origin. The header is a reverse proxy's where there is one. A page elsewhere cannot set it, and whoever can deceives
// only themselves.
process.env.PROTOCOL_HEADER ??= 'x-forwarded-proto';
process.env.HOST = host;

const { handler } = await import('./build/handler.js').catch((error) => giveUp(error.message));

const server = createServer((request, response) => {
  const told = String(request.headers['x-forwarded-proto'] ?? '')
    .split(',')[0]
    .trim();
  request.headers['x-forwarded-proto'] = told === 'https' ? 'https' : 'http';
  return handler(request, response);
});
server.on('error', (error) => {
  giveUp(
    error.code === 'EADDRINUSE'
      ? `Port ${port} is in use: set WEIR_DASHBOARD_PORT to another, or end what listens there.`
      : error.message,
  );
});
server.listen(port, host, () => {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${server.address().port}`;
  if (process.send !== undefined) process.send({ event: 'listening', url });
  else process.stdout.write(`${JSON.stringify({ event: 'listening', url })}\n`);
});

function stop() {
  server.close(() => process.exit(0));
  server.closeAllConnections();
}
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
process.on('disconnect', stop);
