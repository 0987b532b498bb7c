/** HTTP as tools speak it: curl as a process, and raw sockets for what no client would send. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';

export interface CurlAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** `curl --include`: status, headers and the body's bytes. Throws with curl's own words when there is no answer. */
export async function curl(url: string, ...args: readonly string[]): Promise<CurlAnswer> {
  const child = spawn('curl', ['-sS', '--path-as-is', '--max-time', '30', '-i', ...args, url]);
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`curl ${args.join(' ')} ${url} ended with ${code}: ${Buffer.concat(stderr)}`);
  return parseAnswer(Buffer.concat(stdout));
}

export async function curlJson<T = Record<string, unknown>>(url: string, ...args: readonly string[]) {
  const { status, headers, body } = await curl(url, ...args);
  return { status, headers, json: JSON.parse(body.toString()) as T };
}

/** Writes `text` to the port as it is and reads until the server closes. */
export async function rawRequest(port: number, text: string, host = '127.0.0.1'): Promise<string> {
  const socket = connect({ host, port });
  socket.write(text);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

/** The parts of a `multipart/byteranges` body, each with its Content-Range. */
export function parseMultipart({ headers, body }: CurlAnswer): { range: string; bytes: Buffer }[] {
  const boundary = /boundary="?([^";]+)/.exec(headers['content-type'] ?? '')?.[1];
  const parts = body.toString('latin1').split(`--${boundary}`).slice(1, -1);
  return parts.map((part) => {
    const end = part.indexOf('\r\n\r\n');
    const range = /content-range: *(.+)/i.exec(part.slice(0, end))?.[1]?.trim() ?? '';
    return { range, bytes: Buffer.from(part.slice(end + 4, -2), 'latin1') };
  });
}

/** An IPv4 address of this machine that is not loopback. Every machine of a mesh has one. */
export function lanAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((one) => one ?? []);
  const found = all.find(({ internal, family }) => !internal && family === 'IPv4')?.address;
  if (found === undefined) throw new Error('this machine has no address but loopback; give it one: ip addr add …');
  return found;
}

function parseAnswer(bytes: Buffer): CurlAnswer {
  const end = bytes.indexOf('\r\n\r\n');
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  return { status: Number(first.split(' ')[1]), headers, body: bytes.subarray(end + 4) };
}
