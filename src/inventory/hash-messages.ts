/** Words between the hash queue and its worker thread. */
import type { FileFingerprint } from './ports.ts';

export type ToWorker =
  | {
      readonly type: 'start';
      readonly jobId: number;
      readonly file: FileFingerprint;
      readonly rateBytesPerSecond: number | undefined;
    }
  | { readonly type: 'suspend' | 'resume' | 'cancel'; readonly jobId: number };

export type FromWorker =
  | { readonly type: 'progress'; readonly jobId: number; readonly doneBytes: number }
  | { readonly type: 'hashed'; readonly jobId: number; readonly sha256: string; readonly pieceHashes: Uint8Array }
  /** The file is not, or no longer, in the state that was asked for. */
  | { readonly type: 'changed' | 'cancelled'; readonly jobId: number }
  | { readonly type: 'failed'; readonly jobId: number; readonly message: string; readonly code: string | undefined };
