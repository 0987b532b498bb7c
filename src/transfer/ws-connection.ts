/** Opens the WebSocket of a lane over a connection whose other end is known already. Spec: docs/spec/14-websocket.md §1. */
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { PROTOCOL_LIMITS } from '../protocol/index.ts';
import { openSocket, type Target } from './connect.ts';
import { TransferError, toTransferError } from './errors.ts';
import { TRANSFER_LIMITS } from './limits.ts';
import { errorOfStatus } from './response-head.ts';

export interface WsTarget extends Target {
  readonly path: string;
  /** The Authorization field's value. */
  readonly authorization?: string | undefined;
}

/** Resolves with an open WebSocket that compresses nothing. Throws TransferError. */
export async function openWebSocket(target: WsTarget, signal: AbortSignal): Promise<WebSocket> {
  // Read as a stream: ws takes what `net` gives it.
  const connection = await openSocket(target, undefined as never, signal);
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>();
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  const { authorization } = target;
  const socket = new WebSocket(`ws://${host}:${target.port}${target.path}`, {
    createConnection: () => connection,
    perMessageDeflate: false,
    maxPayload: PROTOCOL_LIMITS.transferMessageBytes,
    handshakeTimeout: TRANSFER_LIMITS.connectTimeoutMs,
    headers: authorization === undefined ? {} : { authorization },
  });
  const onAbort = (): void => {
    reject(new TransferError('cancelled', 'Opening a WebSocket: cancelled'));
    socket.terminate();
  };
  signal.addEventListener('abort', onAbort);
  socket.once('open', () => resolve(socket));
  socket.once('unexpected-response', (request, response) => {
    reject(errorOfStatus(headOf(response)));
    request.destroy();
  });
  socket.on('error', (cause) => reject(toTransferError(cause, 'Opening a WebSocket')));
  if (signal.aborted) onAbort();
  return promise.finally(() => signal.removeEventListener('abort', onAbort));
}

function headOf({ statusCode = 0, headers }: IncomingMessage) {
  const wait = headers['retry-after'];
  return { status: statusCode, fields: new Map(wait === undefined ? [] : [['retry-after', wait]]) };
}
