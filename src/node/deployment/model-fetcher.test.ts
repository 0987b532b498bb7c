import { describe, expect, it } from 'vitest';
import { Emitter, type NodeId } from '../../core/index.ts';
import { parseManifest } from '../../protocol/index.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import { NODE_LIMITS } from '../limits.ts';
import { ModelFetcher, type ModelFetcherOptions } from './model-fetcher.ts';

const HOLDER = '12D3KooWRawPbxPtP1eZaJpumGnyWX2DcUyd3RQnydr3eAto4Az7' as NodeId;
const manifest = parseManifest({
  ...{ model_id: 'acme/detector', name: 'detector', version: '1.0.0', model_type: 'detector', format: 'onnx' },
  ...{ size_bytes: 1000, sha256: 'ab'.repeat(32), piece_root: 'cd'.repeat(32) },
});

class FakeTransfer {
  readonly events = new Emitter<{ bytesDownloaded: number; totalBytes: number }>();
  readonly #over = Promise.withResolvers<void>();
  state = 'Downloading';
  error: { code: string; message: string } | undefined;

  cancel = () => this.end('Cancelled');
  untilOver = () => this.#over.promise;
  snapshot = () => ({ state: this.state, error: this.error });

  end(state: string, error?: { code: string; message: string }): void {
    this.state = state;
    this.error = error;
    this.#over.resolve();
  }
}

function open({ holders = true, unagreed = [] as readonly string[] } = {}) {
  const clock = new VirtualClock();
  const transfer = new FakeTransfer();
  const started: { readonly priority: string | undefined }[] = [];
  const heard = new Emitter<void>();
  const known = { holders };
  const claims = [{ entry: manifest, nodes: [{ nodeId: HOLDER, name: 'studio' }] }];
  const options = {
    clock,
    library: { pathOf: async () => undefined, find: () => undefined },
    transfers: {
      start({ wish }: { wish: { priority: string } }) {
        started.push({ priority: wish.priority });
        return transfer;
      },
    },
    catalog: { claimsOf: () => claims },
    askable: {
      view: {
        holders: () => (known.holders ? [{ nodeId: HOLDER, name: 'studio' }] : []),
        onChange: (listener: () => void) => heard.on(listener),
      },
      pieceHashes: { get: () => undefined },
    },
    unagreed: () => unagreed,
    nodeId: 'self',
    mirrors: [],
  } as unknown as ModelFetcherOptions;
  const come = (): void => {
    known.holders = true;
    heard.emit();
  };
  return { clock, transfer, started, come, fetcher: new ModelFetcher(options) };
}

const quiet = { priority: 1, onProgress: () => {} };

describe('ModelFetcher', () => {
  it('starts a transfer of the order’s priority, and tells how far it is', async () => {
    const { fetcher, transfer, started } = open();
    const shares: number[] = [];
    const fetching = fetcher.fetch(manifest, { priority: 2, onProgress: (share) => shares.push(share) }, NEVER);
    await turn();
    transfer.events.emit({ bytesDownloaded: 250, totalBytes: 1000 });
    transfer.end('Completed');
    await fetching;
    expect([started, shares]).toEqual([[{ priority: 'high' }], [0.25]]);
  });

  it('waits for news of who has the model before it fails', async () => {
    const { fetcher, transfer, started, come, clock } = open({ holders: false });
    const fetching = fetcher.fetch(manifest, quiet, NEVER);
    await clock.advance(NODE_LIMITS.holderNewsMs - 1);
    expect(started).toEqual([]);
    come();
    await turn();
    transfer.end('Completed');
    await fetching;
  });

  it('fails with who is missing when nobody is heard of', async () => {
    const { fetcher, clock } = open({ holders: false });
    const fetching = expect(fetcher.fetch(manifest, quiet, NEVER)).rejects.toMatchObject({ code: 'holder_offline' });
    await clock.advance(NODE_LIMITS.holderNewsMs + 1);
    await fetching;
  });

  it('fetches nothing from sources that the owner has not agreed to, whoever ordered it', async () => {
    const { fetcher, started } = open({ unagreed: [HOLDER] });
    await expect(fetcher.fetch(manifest, quiet, NEVER)).rejects.toMatchObject({
      code: 'consent_needed',
      message: expect.stringContaining('studio'),
    });
    expect(started).toEqual([]);
  });

  it('fails as its transfer did', async () => {
    const { fetcher, transfer } = open();
    const fetching = expect(fetcher.fetch(manifest, quiet, NEVER)).rejects.toMatchObject({
      code: 'no_space',
      message: 'full',
    });
    await turn();
    transfer.end('Failed', { code: 'no_space', message: 'full' });
    await fetching;
  });

  it('cancels its transfer when it is stopped, and leaves it to go on later when the node closes', async () => {
    for (const isClosing of [false, true]) {
      const { fetcher, transfer } = open();
      const stop = new AbortController();
      const fetching = expect(fetcher.fetch(manifest, quiet, stop.signal)).rejects.toThrow();
      await turn();
      fetcher.isClosing = isClosing;
      stop.abort();
      await fetching;
      expect(transfer.state).toBe(isClosing ? 'Downloading' : 'Cancelled');
    }
  });
});

const NEVER = new AbortController().signal;

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
