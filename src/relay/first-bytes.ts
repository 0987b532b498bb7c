/**
 * What a new connection is, by its first bytes. Spec: docs/spec/13-relay.md §2. Owns the socket until it is decided;
 * the socket is then paused and has given out nothing.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../core/index.ts';
import { readClientHello, TLS_HANDSHAKE_RECORD } from './client-hello.ts';
import type { RelayLimits } from './limits.ts';
import { type PairToken, PREAMBLE_BYTES, readPreamble, tokenOfServerName } from './preamble.ts';

export type ConnectionKind =
  | { readonly kind: 'asker'; readonly token: PairToken; readonly firstBytes: Buffer }
  | { readonly kind: 'holder'; readonly token: PairToken }
  /** Its bytes are put back. */
  | { readonly kind: 'control' }
  | { readonly kind: 'bad'; readonly reason: 'first_bytes' | 'late' | 'left' };

/** The kind that the bytes show; undefined while they are too few. Bytes after a holder's line stay with the socket. Pure. */
export function kindOf(bytes: Buffer, helloBytes: number): ConnectionKind | undefined {
  if (bytes[0] !== TLS_HANDSHAKE_RECORD) {
    const reading = readPreamble(bytes);
    if (reading.state === 'more') return undefined;
    return reading.state === 'bad' ? BAD : { kind: 'holder', token: reading.token };
  }
  const reading = readClientHello(bytes, helloBytes);
  if (reading.state === 'more') return undefined;
  if (reading.state === 'bad') return BAD;
  const token = tokenOfServerName(reading.serverName);
  return token === undefined ? { kind: 'control' } : { kind: 'asker', token, firstBytes: bytes };
}

const BAD = { kind: 'bad', reason: 'first_bytes' } as const;

/** Calls back once, unless the socket closes before. */
export function decideConnection(
  socket: Socket,
  limits: Pick<RelayLimits, 'helloBytes' | 'firstBytesMs'>,
  clock: Clock,
  onDecided: (kind: ConnectionKind) => void,
): void {
  let held = Buffer.alloc(0);
  const decide = (kind: ConnectionKind): void => {
    cancelTimer();
    socket.off('data', onData).off('end', onEnd).off('close', cancelTimer).pause();
    const rest = kind.kind === 'holder' ? held.subarray(PREAMBLE_BYTES) : held;
    if (kind.kind !== 'asker' && rest.length > 0) socket.unshift(rest);
    onDecided(kind);
  };
  const onData = (chunk: Buffer): void => {
    held = Buffer.concat([held, chunk]);
    const kind = kindOf(held, limits.helloBytes);
    if (kind !== undefined) decide(kind);
  };
  const onEnd = (): void => decide({ kind: 'bad', reason: 'left' });
  const cancelTimer = clock.after(limits.firstBytesMs, () => decide({ kind: 'bad', reason: 'late' }));
  socket.on('data', onData).once('end', onEnd).once('close', cancelTimer);
}
