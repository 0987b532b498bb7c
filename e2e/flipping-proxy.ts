/** Stands before a relay and changes what it sends, after so many bytes of a connection: `node flipping-proxy.ts PORT TO AFTER`. */
import { connect, createServer } from 'node:net';

const [port, to, after] = process.argv.slice(2).map(Number) as [number, number, number];

const server = createServer((near) => {
  const far = connect({ host: '127.0.0.1', port: to });
  let passed = 0;
  far.on('data', (chunk: Buffer) => {
    near.write(chunk.map((byte, index) => (passed + index >= after ? byte ^ 0x01 : byte)));
    passed += chunk.length;
  });
  near.on('data', (chunk: Buffer) => far.write(chunk));
  near.on('error', () => far.destroy()).once('close', () => far.destroy());
  far.on('error', () => near.destroy()).once('close', () => near.end());
});
server.listen(port, () => process.stdout.write('ready\n'));
