/** Which failures of a pull are the network's, and pass: it waits then, and goes on by itself. Pure. */
import { TransferError } from '../../transfer/index.ts';

/** Nobody can be reached, and at least one peer's reason may pass; wrong bytes and refusals end a pull at once. */
export function isInterruption(thrown: unknown): boolean {
  if (!(thrown instanceof TransferError) || thrown.kind !== 'unreachable') return false;
  const { peers } = thrown.data;
  return !Array.isArray(peers) || peers.length === 0 || peers.some((peer) => MAY_PASS.has((peer as Peer).code ?? ''));
}

interface Peer {
  readonly code?: string;
}

const MAY_PASS: ReadonlySet<string> = new Set(['peer_unreachable', 'peer_stalled', 'peer_busy', 'not_asked']);

const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 30_000;

/** Before the same peers are asked again, after so many attempts without a byte. */
export function pauseAfter(attempts: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** attempts, LONGEST_PAUSE_MS);
}
