import { describe } from 'vitest';
import { startHostileWsServer, type WsBehaviour } from '../testkit/hostile-ws-server.ts';
import { type PeerBehaviour, type SourceHarness, testPieceSource } from './source.conformance.ts';
import { WsPieceSource, type WsPieceSourceOptions } from './ws-source.ts';

const BEHAVIOURS: Readonly<Record<PeerBehaviour, WsBehaviour>> = {
  honest: (sending) => sending.sendAll(),
  short: (sending) => sending.sendStart({ resume_from_byte: 0, end_byte: 99_999 }),
  long: (sending) => {
    sending.sendStart();
    for (let offset = 0; offset <= 262_144; offset += Number(sending.start.chunk_size)) sending.sendChunk(offset);
  },
  wrong_range: (sending) => {
    sending.sendStart();
    sending.sendChunk(Number(sending.start.chunk_size));
  },
  wrong_size: (sending) => sending.sendStart({ total_bytes: Number(sending.start.total_bytes) + 1 }),
  refuses: (sending) => sending.cancel('network_error', { code: 'refused' }),
  absent: (sending) => sending.cancel('network_error', { code: 'blob_not_found' }),
  busy: (sending) => sending.cancel('network_error', { code: 'too_many_streams', retry_after_s: 2 }),
  dies: (sending) => {
    sending.sendStart();
    sending.socket.terminate();
  },
  silent: () => {},
};

function harnessOf(
  can: readonly PeerBehaviour[],
  isPublic: boolean,
  options: Partial<WsPieceSourceOptions>,
): SourceHarness {
  return {
    can,
    async serve(blob, behaviour) {
      const server = await startHostileWsServer(blob, { behaviour: BEHAVIOURS[behaviour], isPublic });
      return {
        source: new WsPieceSource({ id: 'peer', baseUrl: server.url, blob: blob.blob, ...options }),
        openConnections: () => server.openSockets.size,
        close: () => server.close(),
      };
    },
  };
}

const EVERY = Object.keys(BEHAVIOURS) as PeerBehaviour[];
/** A sender that always goes on to the end has no way to say less or more. */
const PUBLIC = EVERY.filter((behaviour) => behaviour !== 'short' && behaviour !== 'long');

describe('the binary form as a piece source', () => testPieceSource(harnessOf(EVERY, false, {})));
describe('the JSON form as a piece source', () => testPieceSource(harnessOf(EVERY, false, { form: 'json' })));
describe('a sender of the public messages as a piece source', () =>
  testPieceSource(harnessOf(PUBLIC, true, { speaks: 'public' })));
