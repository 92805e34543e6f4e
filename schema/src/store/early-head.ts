import { Writable } from 'node:stream';
import type { ServerResponse } from 'node:http';

/**
 * A response whose head goes out line by line while the statement runs, as a ClickHouse server does it with
 * `send_progress_in_http_headers` (WriteBufferFromHTTPServerResponse.cpp). Node.js sends heads whole, so this one writes to
 * the socket itself and gives the connection up at the end. The status is 200 from the first line on, whatever follows.
 */
export class EarlyHead {
  readonly #response: ServerResponse;
  #begun = false;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** Whether a line has gone out, and with it the status. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Sends one more header at once. */
  write(name: string, value: string): void {
    const { socket } = this.#response;
    if (!socket || socket.destroyed) return;
    if (!this.#begun) {
      this.#begun = true;
      const date = new Date().toUTCString();
      socket.write(`HTTP/1.1 200 OK\r\nDate: ${date}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n`);
    }
    socket.write(`${name}: ${value}\r\n`);
  }

  /** Sends the headers that the response has collected, ends the head, and returns where the body goes. */
  end(): Writable {
    for (const [name, value] of Object.entries(this.#response.getHeaders())) this.write(name, String(value));
    const { socket } = this.#response;
    socket?.write('\r\n');
    return new Writable({
      write(chunk: Buffer, _encoding, done) {
        // A chunk of no bytes would end the body.
        if (!socket || socket.destroyed || chunk.length === 0) return done();
        socket.write(`${chunk.length.toString(16)}\r\n`);
        socket.write(chunk);
        if (socket.write('\r\n')) return done();
        socket.once('drain', done);
      },
      final(done) {
        socket?.end('0\r\n\r\n');
        done();
      },
    });
  }
}
