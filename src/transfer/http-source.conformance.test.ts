import { describe } from 'vitest';
import * as hostile from '../testkit/hostile-http-server.ts';
import { HttpPieceSource } from './http-source.ts';
import { EVERY_BEHAVIOUR, type PeerBehaviour, type SourceHarness, testPieceSource } from './source.conformance.ts';

const BEHAVIOURS: Readonly<Record<PeerBehaviour, hostile.Behaviour>> = {
  honest: hostile.honest,
  short: hostile.wrongLength,
  long: hostile.longBody,
  wrong_range: hostile.otherRange,
  wrong_size: (request, socket, blob) => {
    const head = hostile.rangeHead(request, blob);
    socket.write(head.replace(`/${blob.content.length}`, `/${blob.content.length + 1}`));
    socket.write(blob.content.subarray(request.start, request.end));
  },
  refuses: hostile.answering(403),
  absent: hostile.answering(404),
  busy: hostile.answering(503, 'Retry-After: 2\r\n'),
  dies: hostile.shortBody,
  silent: hostile.nothing,
};

const harness: SourceHarness = {
  can: EVERY_BEHAVIOUR,
  async serve(blob, behaviour) {
    const server = await hostile.startHostileHttpServer(blob, { behaviour: BEHAVIOURS[behaviour] });
    return {
      source: new HttpPieceSource({ id: 'peer', baseUrl: server.url, blob: blob.blob }),
      openConnections: () => server.openSockets.size,
      close: () => server.close(),
    };
  },
};

describe('HTTP as a piece source', () => testPieceSource(harness));
