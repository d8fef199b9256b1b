/**
 * Wakes the runner from outside, through a named pipe or a port of this machine, so that a hook or a
 * webhook does not have to wait for the next poll.
 *
 * Invariants:
 * - Everything that arrives is only a wake; its content is ignored.
 * - The port listens on the loopback address only.
 */
import { constants, existsSync, openSync, statSync } from "node:fs";
import type { Server } from "node:http";
import { Socket } from "node:net";
import { UserError, MESSAGES } from "../core/messages/messages.ts";

export class WakeListener {
  readonly #address: string;
  #pipe: Socket | undefined;
  #server: Server | undefined;

  /** `address` is the path of a named pipe or the number of a port. */
  constructor(address: string) {
    this.#address = address;
  }

  /** Throws a UserError when it cannot listen at the address. */
  async start(onWake: () => void): Promise<void> {
    if (/^\d{1,5}$/.test(this.#address)) await this.#listen(Number(this.#address), onWake);
    else this.#read(this.#address, onWake);
  }

  close(): void {
    this.#pipe?.destroy();
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  #read(path: string, onWake: () => void): void {
    if (!existsSync(path) || !statSync(path).isFIFO()) throw new UserError(MESSAGES.noPipe(path));
    // Opened for reading and writing, so that the pipe stays open when a writer closes it; see fifo(7).
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    this.#pipe = new Socket({ fd, readable: true, writable: false });
    this.#pipe.on("data", onWake);
    this.#pipe.on("error", () => undefined);
  }

  async #listen(port: number, onWake: () => void): Promise<void> {
    // Few runners listen at a port, and all would wait for the module.
    const { createServer } = await import("node:http");
    const server = createServer((request, response) => {
      request.resume();
      onWake();
      response.writeHead(202, { "content-type": "text/plain" }).end("woken\n");
    });
    server.on("clientError", (_error, socket) => {
      onWake();
      socket.destroy();
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) => reject(new UserError(MESSAGES.noPort(port, cause.message), { cause })));
      server.listen(port, "127.0.0.1", () => resolve());
    });
  }
}
