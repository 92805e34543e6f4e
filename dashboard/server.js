/**
 * The dashboard's process: SvelteKit's handler behind a server of our own, so that a supervisor learns the port it got
 * (`PORT=0` takes a free one) and that it ends when its parent does. Environment: HOST, PORT, CLICKHOUSE_URL, WEIR_PROXY_URL.
 */
import { createServer } from 'node:http';

const host = process.env.HOST ?? '127.0.0.1';
const port = Number(process.env.PORT ?? 8788);
/** Exit code by which the supervisor knows that a new start would fail in the same way (sysexits.h, EX_CONFIG). */
const configurationExit = 78;

const { handler } = await import('./build/handler.js');

const server = createServer(handler);
server.on('error', (error) => {
  const sentence =
    error.code === 'EADDRINUSE'
      ? `Port ${port} is in use: set WEIR_DASHBOARD_PORT to another, or end what listens there.`
      : error.message;
  process.stderr.write(`${sentence}\n`);
  process.exit(configurationExit);
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
