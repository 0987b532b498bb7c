/**
 * A program on its own: `probe.ts serve PORT` echoes datagrams; `probe.ts ask HOST PORT SECONDS` sends one every 50 ms, as
 * a call does, and prints how long each was under way and how many were lost, as JSON.
 */
import { createSocket } from 'node:dgram';
import { setTimeout as pause } from 'node:timers/promises';

const EVERY_MS = 50;
/** As one packet of a call. */
const BYTES = 200;

const [verb, ...args] = process.argv.slice(2);
const socket = createSocket('udp4');
if (verb === 'serve') serve(Number(args[0]));
else await ask(args[0] ?? '', Number(args[1]), Number(args[2]));

function serve(port: number): void {
  socket.on('message', (message, { address, port: from }) => socket.send(message, from, address));
  socket.bind(port, () => console.log('ready'));
}

async function ask(host: string, port: number, seconds: number): Promise<void> {
  const roundTripsMs: number[] = [];
  socket.on('message', (message) => roundTripsMs.push(performance.now() - message.readDoubleLE(0)));
  const count = Math.round((seconds * 1000) / EVERY_MS);
  const startedMs = performance.now();
  for (let sent = 0; sent < count; sent += 1) {
    await pause(Math.max(0, startedMs + sent * EVERY_MS - performance.now()));
    const message = Buffer.alloc(BYTES);
    message.writeDoubleLE(performance.now(), 0);
    socket.send(message, port, host);
  }
  await pause(2000);
  console.log(JSON.stringify({ roundTripsMs, lost: count - roundTripsMs.length }));
  socket.close();
}
