/** The downloading process: the real store, the real download; killed by its own hand where the plan says. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { AtmosphereError, type Clock, MiB, seededRandom, systemClock } from '../src/core/index.ts';
import { createMemoryBlobIndex, openDiskBlobStore } from '../src/store/index.ts';
import { Download, HttpPieceSource, type PieceSink } from '../src/transfer/index.ts';
import { type AttemptOrder, die, report } from './messages.ts';
import type { AttemptPlan } from './scenario.ts';

/** So that silence is noticed in moments; what is decided stays the same. */
const QUICK = {
  stallMs: 400,
  muteMs: 200,
  outageMs: 700,
  newsWaitMs: 100,
  climbMs: 200,
  climbSettleMs: 50,
  climbRestMs: 300,
  connectTimeoutMs: 1000,
  backOffMs: 20,
  maxBackOffMs: 200,
  maxRetryAfterMs: 100,
  tickMs: 50,
  pieceListTimeoutMs: 400,
} as const;

type OpenedWriter = Awaited<ReturnType<Awaited<ReturnType<typeof openDiskBlobStore>>['openWrite']>>;

class Attempt {
  readonly #order: AttemptOrder;
  readonly #cancel = new AbortController();
  #commits = 0;
  #writes = 0;
  #jumpMs = 0;

  constructor(order: AttemptOrder) {
    this.#order = order;
  }

  async run(): Promise<void> {
    const { folder, blob, sources, bootId, randomSeed } = this.#order;
    const clock: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() + this.#jumpMs };
    const index = createMemoryBlobIndex();
    const store = await openDiskBlobStore({ folder, index, bootId, clock, reserveBytes: 0, syncStepBytes: 4 * MiB });
    try {
      const writer = await store.openWrite(blob);
      report({ on: 'held', indexes: indexesOf(writer.heldPieces) });
      this.#dieAt('open', 1, 1);
      const sink = this.#watched(writer);
      const random = seededRandom(randomSeed);
      const ways = sources.map(({ id, url }) => new HttpPieceSource({ id, baseUrl: url, blob, lanes: 1 }));
      const download = new Download({ blob, sink, sources: ways, clock, random, limits: QUICK });
      await download.run(this.#cancel.signal);
      this.#dieAt('named', 1, 1);
      report({ on: 'end', code: 'done', message: '' });
    } catch (thrown) {
      const code = thrown instanceof AtmosphereError ? thrown.code : 'not_one_of_ours';
      report({ on: 'end', code, message: thrown instanceof Error ? (thrown.stack ?? '') : String(thrown) });
    } finally {
      await store.close();
    }
  }

  /** The same writer, with the plan's faults at its steps. */
  #watched(writer: OpenedWriter): PieceSink {
    return {
      heldPieces: writer.heldPieces,
      heldPiecesUnsure: writer.heldPiecesUnsure,
      write: async (bytes, position) => {
        const writing = writer.write(bytes, position);
        this.#writes += 1;
        this.#dieAt('write', this.#writes);
        await writing;
      },
      read: (buffer, position) => writer.read(buffer, position),
      commitPiece: (index) => {
        writer.commitPiece(index);
        report({ on: 'commit', index });
        this.#commits += 1;
        this.#afterCommits(this.#commits);
      },
      revokePiece: (index) => {
        report({ on: 'revoke', index });
        writer.revokePiece(index);
      },
      finish: () => this.#finish(writer),
      close: () => writer.close(),
      discard: () => writer.discard(),
    };
  }

  async #finish(writer: OpenedWriter): Promise<unknown> {
    const { kill } = this.#order.plan;
    const finishing = writer.finish();
    if (kill?.at !== 'finish') return finishing;
    finishing.catch(() => {});
    for (let turn = 0; turn < kill.count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    report({ on: 'killed', at: 'finish' });
    die();
  }

  #afterCommits(count: number): void {
    const { plan, folder } = this.#order;
    for (const { afterCommits, byMs } of plan.jumps) if (afterCommits === count) this.#jumpMs += byMs;
    if (plan.fillDiskAfterCommits === count) fillDisk(folder);
    if (plan.cancelAfterCommits === count) this.#cancel.abort();
    this.#dieAt('commit', count);
  }

  #dieAt(at: NonNullable<AttemptPlan['kill']>['at'], count: number, wanted?: number): void {
    const { kill } = this.#order.plan;
    if (kill?.at !== at || count !== (wanted ?? kill.count)) return;
    report({ on: 'killed', at });
    die();
  }
}

/** To the last byte, as another program would. */
function fillDisk(folder: string): void {
  const file = openSync(join(folder, 'filler'), 'w');
  try {
    for (let size = MiB; size >= 1; ) {
      try {
        if (writeSync(file, Buffer.alloc(size)) < size) size = Math.floor(size / 2);
      } catch {
        size = Math.floor(size / 2);
      }
    }
  } finally {
    closeSync(file);
  }
  report({ on: 'disk_filled' });
}

function indexesOf(bits: Uint8Array): number[] {
  const all = Array.from({ length: bits.length * 8 }, (_, index) => index);
  return all.filter((index) => ((bits[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0);
}

process.on('message', (order: AttemptOrder) => {
  void new Attempt(order).run().then(() => report({ on: 'idle' }));
});
report({ on: 'ready' });
