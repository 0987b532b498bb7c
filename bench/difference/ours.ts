/** One difference made or applied, from disk to disk, in a process of its own: `make BASE TARGET OUT` or `apply BASE OUT RESULT`. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Sha256 } from '../../src/core/index.ts';
import type { ByteSource } from '../../src/delta/index.ts';

/** The built program: what runs from its sources has the compiler in memory, once a thread. */
const dist = new URL('../../dist/delta/index.js', import.meta.url).href;
const { applyDifference, makeDifference } = (await import(dist)) as typeof import('../../src/delta/index.ts');

const [what, base = '', second = '', third = ''] = process.argv.slice(2);

async function digestOf(path: string): Promise<Sha256> {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(1 << 18);
  await using file = await open(path);
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length);
    if (bytesRead === 0) return hash.digest('hex') as Sha256;
    hash.update(buffer.subarray(0, bytesRead));
  }
}

async function openSource(path: string): Promise<ByteSource & AsyncDisposable> {
  const file = await open(path);
  const { size } = await file.stat();
  return {
    sizeBytes: size,
    read: async (buffer, position) => (await file.read(buffer, 0, buffer.length, position)).bytesRead,
    [Symbol.asyncDispose]: () => file.close(),
  };
}

async function make(): Promise<void> {
  const [baseSha256, targetSha256] = [await digestOf(base), await digestOf(second)];
  await using baseBytes = await openSource(base);
  await using targetBytes = await openSource(second);
  await using file = await open(third, 'w');
  const start = performance.now();
  const made = await makeDifference({
    base: { sha256: baseSha256, bytes: baseBytes },
    target: { sha256: targetSha256, bytes: targetBytes },
    output: { write: async (bytes) => void (await file.write(bytes)) },
  });
  tell({ seconds: (performance.now() - start) / 1000, ...made });
}

async function apply(): Promise<void> {
  await using baseBytes = await openSource(base);
  await using difference = await openSource(second);
  await using file = await open(third, 'w');
  const start = performance.now();
  await applyDifference({
    difference,
    base: baseBytes,
    sink: { write: async (bytes, position) => void (await file.write(bytes, 0, bytes.length, position)) },
  });
  tell({ seconds: (performance.now() - start) / 1000 });
}

function tell(result: object): void {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const cpuSeconds = (userCPUTime + systemCPUTime) / 1e6;
  console.log(JSON.stringify({ ...result, memoryMB: Math.round(maxRSS / 1000), cpuSeconds }));
}

await (what === 'make' ? make() : apply());
