/**
 * Wakes from outside: a named pipe that somebody writes to, or a port of this machine that somebody
 * calls. So a hook or a webhook need not wait for the next look.
 *
 * What must hold: whatever arrives is a wake and nothing else; it is never read as data. The port
 * listens on the loopback address alone.
 */
import { constants, existsSync, openSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { Socket } from "node:net";
import { UserError, MESSAGES } from "../core/messages/messages.ts";

export class WakeListener {
  readonly #where: string;
  #pipe: Socket | undefined;
  #server: Server | undefined;

  /** `where` is the path of a named pipe, or the number of a port. */
  constructor(where: string) {
    this.#where = where;
  }

  /** Calls `ring` at each wake. Throws a Fault when the place cannot be listened at. */
  async start(ring: () => void): Promise<void> {
    if (/^\d{1,5}$/.test(this.#where)) await this.#listen(Number(this.#where), ring);
    else this.#read(this.#where, ring);
  }

  close(): void {
    this.#pipe?.destroy();
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  #read(path: string, ring: () => void): void {
    if (!existsSync(path) || !statSync(path).isFIFO()) throw new UserError(MESSAGES.noPipe(path));
    // For reading and writing, so that the pipe does not end when a writer goes; see fifo(7).
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    this.#pipe = new Socket({ fd, readable: true, writable: false });
    this.#pipe.on("data", ring);
    this.#pipe.on("error", () => undefined);
  }

  #listen(port: number, ring: () => void): Promise<void> {
    const server = createServer((request, response) => {
      request.resume();
      ring();
      response.writeHead(202, { "content-type": "text/plain" }).end("woken\n");
    });
    server.on("clientError", (_error, socket) => {
      ring();
      socket.destroy();
    });
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once("error", (cause) => reject(new UserError(MESSAGES.noPort(port, cause.message), { cause })));
      server.listen(port, "127.0.0.1", () => resolve());
    });
  }
}
