/** One question to whoever is at the other end of a connection. */
import type { Connection } from '@libp2p/interface';
import { messageOf } from '../../core/index.ts';
import { MeshError } from '../errors.ts';
import { MESH_LIMITS } from '../limits.ts';
import type { RequestOptions } from '../transport.ts';
import { askOnStream } from './frame-stream.ts';

/** Throws MeshError `request_failed`. */
export async function askOn(
  connection: Connection,
  protocol: string,
  message: unknown,
  { timeoutMs = MESH_LIMITS.requestTimeoutMs, signal }: RequestOptions,
): Promise<unknown> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const ends = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
  try {
    const stream = await connection.newStream(protocol, { signal: ends, runOnLimitedConnection: true });
    return await askOnStream(stream, message, ends);
  } catch (cause) {
    const peer = connection.remotePeer.toString();
    throw new MeshError('request_failed', `Asking ${peer} by ${protocol}: ${messageOf(cause)}`, { cause });
  }
}
