/** The floor of the event loop: bytes from one socket to another, no HTTP. */
import { connect, createServer } from 'node:net';

const upstream = new URL(process.env.UPSTREAM);
const server = createServer({ noDelay: true }, (client) => {
  const other = connect({ host: upstream.hostname, port: Number(upstream.port), noDelay: true });
  client.pipe(other).pipe(client);
  for (const socket of [client, other]) {
    socket.on('error', () => undefined);
    socket.on('close', () => void (client.destroy(), other.destroy()));
  }
});
server.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}` }));
