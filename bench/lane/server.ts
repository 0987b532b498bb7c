/** A plain Node HTTP(S) server of one file with ranges: `server.ts FILE SHA256 PIECES_FILE [TLS_KEY TLS_CERT]`. */
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';

const [file = '', sha256 = '', piecesFile = '', keyFile, certFile] = process.argv.slice(2);
const sizeBytes = statSync(file).size;
const pieces = readFileSync(piecesFile);

function serve(request: IncomingMessage, response: ServerResponse): void {
  if (/\/have(\?|$)/.test(request.url ?? '')) {
    response.writeHead(404, { 'content-length': 0 }).end();
    return;
  }
  if (/\/pieces(\?|$)/.test(request.url ?? '')) {
    response.writeHead(200, { 'content-length': pieces.length }).end(pieces);
    return;
  }
  const [, first = '0', last = '0'] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const [start, end] = [Number(first), Number(last)];
  response.writeHead(206, {
    'content-length': end - start + 1,
    'content-range': `bytes ${start}-${end}/${sizeBytes}`,
    etag: `"${sha256}"`,
  });
  pipeline(createReadStream(file, { start, end, highWaterMark: 1024 * 1024 }), response, () => {});
}

const server =
  keyFile === undefined || certFile === undefined
    ? createServer(serve)
    : createTlsServer(
        {
          key: readFileSync(keyFile),
          cert: readFileSync(certFile),
          minVersion: 'TLSv1.3',
          requestCert: true,
          rejectUnauthorized: false,
        },
        serve,
      );
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('disconnect', () => process.exit(0));
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuSeconds: (user + system) / 1e6 });
});
