/** Downloads as an app shows them: one state a model, watched as a whole. States and units: docs/spec/12-library.md §3. */
import { Emitter, type RequestId } from '../../core/index.ts';
import type { TransferSnapshot } from '../pull/transfer-snapshot.ts';

export interface DownloadProgressView {
  readonly bytesDownloaded: number;
  readonly totalBytes: number;
  /** 0 to 100, one decimal. */
  readonly progressPercent: number;
  readonly transferRateMbps: number;
  readonly etaSeconds: number | null;
}

interface DownloadFacts {
  readonly requestId: RequestId;
  readonly modelId: string;
  readonly version: string;
  readonly sha256: string;
  readonly progress: DownloadProgressView;
}

export type DownloadState = DownloadFacts &
  (
    | { readonly state: 'Pending' | 'Downloading' | 'Verifying' | 'Paused' | 'Cancelled' }
    /** The path of the file, or of the folder of a model of several files. */
    | { readonly state: 'Completed'; readonly storagePath: string }
    | { readonly state: 'Failed'; readonly reason: string; readonly code: string; readonly kind: string }
  );

type States = ReadonlyMap<string, DownloadState>;

export class DownloadStates {
  readonly #changes = new Emitter<States>();
  readonly #states = new Map<string, { readonly state: DownloadState; readonly startedAtMs: number }>();

  /** By model id: the latest download of each. A copy. */
  current(): States {
    return new Map([...this.#states].map(([modelId, { state }]) => [modelId, state]));
  }

  get(modelId: string): DownloadState | undefined {
    return this.#states.get(modelId)?.state;
  }

  /** Calls back with all states at each change, some ten times a second while bytes move. The returned function stops it. */
  on(listener: (states: States) => void): () => void {
    return this.#changes.on(listener);
  }

  /** A download that began before the latest of its model changes nothing. */
  take(snapshot: TransferSnapshot): void {
    const { startedAtMs, requestId } = snapshot;
    const { model_id } = snapshot.entry;
    const known = this.#states.get(model_id);
    if (known !== undefined && known.state.requestId !== requestId && known.startedAtMs > startedAtMs) return;
    this.#states.set(model_id, { state: toDownloadState(snapshot), startedAtMs });
    this.#changes.emit(this.current());
  }
}

export function toDownloadState(snapshot: TransferSnapshot): DownloadState {
  const { requestId, entry, state, path, error } = snapshot;
  const facts = { requestId, modelId: entry.model_id, version: entry.version, sha256: entry.sha256 };
  const progress = toProgress(snapshot);
  if (state === 'Completed') return { ...facts, progress, state, storagePath: path ?? '' };
  if (state !== 'Failed') return { ...facts, progress, state };
  const { message = '', code = 'internal', kind = 'internal' } = error ?? {};
  return { ...facts, progress, state, reason: message, code, kind };
}

function toProgress(snapshot: TransferSnapshot): DownloadProgressView {
  const { bytesDownloaded, totalBytes, rateBytesPerSecond, etaSeconds } = snapshot;
  const share = totalBytes === 0 ? 1 : Math.min(1, bytesDownloaded / totalBytes);
  const progressPercent = Math.round(share * 1000) / 10;
  const transferRateMbps = Math.round((rateBytesPerSecond * 8) / 10_000) / 100;
  return { bytesDownloaded, totalBytes, progressPercent, transferRateMbps, etaSeconds };
}
