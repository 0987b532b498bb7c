/** Pulls through the real command line, draws its progress, and returns what happened. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { PullEvent } from '../src/api/index.ts';
import { formatBytes } from '../src/core/index.ts';
import type { DevNode } from '../src/testkit/processes.ts';
import type { Row } from './report.ts';

export interface PullOptions {
  /** What the table says of this pull. */
  readonly note?: string;
  /** The pull must have dropped this peer, or the demo has not shown what it says. */
  readonly mustDrop?: string;
}

const BAR_WIDTH = 30;

export async function pullWithBar(node: DevNode, model: string, options: PullOptions = {}): Promise<Row> {
  const child = node.spawn('model', 'pull', model, '--json');
  const exited = once(child, 'exit');
  if (child.stdout === null) throw new Error('no stdout');
  let last: PullEvent | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    last = JSON.parse(line) as PullEvent;
    if (last.event === 'progress' && process.stdout.isTTY) process.stdout.write(`\r${barOf(node.name, last)}\x1b[K`);
  }
  await exited;
  if (last?.event !== 'completed') throw new Error(`${node.name}: pull ${model} failed: ${last?.error ?? 'no event'}`);
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
  const row = toRow(node, last, options);
  const transfer_rate_mbps = row.seconds > 0 ? (row.bytes * 8) / row.seconds / 1_000_000 : 0;
  console.log(
    barOf(node.name, { ...last, progress_percent: 100, bytes_downloaded: last.size_bytes, transfer_rate_mbps }),
  );
  return row;
}

function toRow(node: DevNode, event: PullEvent, { note = '', mustDrop }: PullOptions): Row {
  const peers = event.peers ?? [];
  if (mustDrop !== undefined && !peers.some((peer) => peer.name === mustDrop && peer.dropped !== undefined))
    throw new Error(`${mustDrop} was not caught with wrong bytes`);
  return {
    node: node.name,
    model: event.model_id,
    sha256: event.sha256,
    bytes: peers.reduce((sum, peer) => sum + peer.bytes, 0),
    seconds: event.duration_ms / 1000,
    from: peers
      .filter((peer) => peer.bytes > 0)
      .map((peer) => peer.name)
      .join(', '),
    note,
  };
}

function barOf(name: string, event: PullEvent): string {
  const filled = Math.round((event.progress_percent / 100) * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  const rate = `${(event.transfer_rate_mbps / 8).toFixed(0)} MB/s`;
  return `  ${name.padEnd(9)} ${event.model_id.padEnd(16)} ${bar} ${formatBytes(event.bytes_downloaded).padStart(7)} ${rate}`;
}
