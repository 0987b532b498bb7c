/** A client that takes bytes and drops them: one buffer, no parser of HTTP but for the length of the header. */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

const [port = '0', target = '/', scheme = 'http'] = process.argv.slice(2);
const buffer = Buffer.allocUnsafeSlow(1024 * 1024);
let bodyBytes = -1;
let wantedBytes = Number.NaN;
let head = '';

function onBytes(length: number, bytes: Uint8Array): boolean {
  if (bodyBytes >= 0) bodyBytes += length;
  else readHead(Buffer.from(bytes.subarray(0, length)).toString('latin1'));
  if (bodyBytes === wantedBytes) socket.end();
  return true;
}

function readHead(text: string): void {
  head += text;
  const end = head.indexOf('\r\n\r\n');
  if (end < 0) return;
  wantedBytes = Number(/^content-length: *(\d+)/im.exec(head)?.[1]);
  bodyBytes = head.length - end - 4;
}

const onread = { buffer, callback: onBytes };
const address = { host: '127.0.0.1', port: Number(port), onread };
const socket: Socket = scheme === 'https' ? connectTls({ ...address, rejectUnauthorized: false }) : connectTcp(address);
socket.once(scheme === 'https' ? 'secureConnect' : 'connect', () => {
  socket.write(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`);
});
socket.once('close', () => {
  if (bodyBytes !== wantedBytes) process.exitCode = 1;
});
