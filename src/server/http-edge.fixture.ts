/** A real edge over real files and sockets, for the tests beside. Not shipped. */
import { createHash, webcrypto } from 'node:crypto';
import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, type RequestOptions, request as sendRequest } from 'node:http';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { CONTROL_ROUTES, type ControlHandlers } from '../api/index.ts';
import { AtmosphereError, type ModelId, type NodeId, type Sha256 } from '../core/index.ts';
import { modelEntrySchema } from '../protocol/index.ts';
import { type HttpEdge, type HttpEdgeOptions, openHttpEdge } from './http-edge.ts';
import type { PeerVerifier, ServedBlob, ServedContent, ServedFile, ServedModel, TlsIdentity } from './ports.ts';

export const LOCAL_TOKEN = 'local-token-of-the-tests';
export const GOOD_TOKEN = 'good.mesh.token';
export const PEER_ID = '12D3KooWPeerOfTheTestsPeerOfTheTestsPeerOfTheTests22' as NodeId;

class StoreLikeError extends AtmosphereError<'blob_changed'> {
  constructor(message: string) {
    super({ blob_changed: { kind: 'integrity', fault: 'disk', retry: false, means: '' } }, 'blob_changed', message);
  }
}

interface HeldModel extends ServedModel {
  readonly files: readonly ServedFile[];
}

/** Models in files of a temporary folder. */
export class FileContent implements ServedContent {
  readonly folder: string;
  readonly models = new Map<string, HeldModel>();
  readonly paths = new Map<Sha256, string>();
  openHandles = 0;
  bytesRead = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  async add(id: string, files: Readonly<Record<string, Uint8Array>>, isPublic = false): Promise<readonly ServedFile[]> {
    const rows: ServedFile[] = [];
    for (const [path, bytes] of Object.entries(files)) {
      const sha256 = createHash('sha256').update(bytes).digest('hex') as Sha256;
      const place = join(this.folder, sha256);
      await writeFile(place, bytes);
      this.paths.set(sha256, place);
      rows.push({ path, sizeBytes: bytes.length, sha256 });
    }
    const [first] = rows;
    const entry = modelEntrySchema.parse({
      model_id: id,
      name: id,
      type: 'llm',
      format: 'gguf',
      size_bytes: 1,
      sha256: first?.sha256,
    });
    this.models.set(id, { entry, public: isPublic, createdMs: 1_700_000_000_000, files: rows });
    return rows;
  }

  modelCount(): number {
    return this.models.size;
  }

  async listModels(): Promise<readonly ServedModel[]> {
    return [...this.models.values()];
  }

  async getModel(id: ModelId, _viewer: unknown, version?: string): Promise<ServedModel | undefined> {
    const model = this.models.get(id);
    return version === undefined || model?.entry.version === version ? model : undefined;
  }

  async listFiles(model: ServedModel): Promise<readonly ServedFile[]> {
    return this.models.get(model.entry.model_id)?.files ?? [];
  }

  async isPublicBlob(sha256: Sha256): Promise<boolean> {
    return [...this.models.values()].some(
      (model) => model.public && model.files.some((file) => file.sha256 === sha256),
    );
  }

  async openBlob(sha256: Sha256): Promise<ServedBlob | undefined> {
    const path = this.paths.get(sha256);
    if (path === undefined) return undefined;
    const handle = await open(path);
    const { size: sizeBytes, mtimeNs } = await handle.stat({ bigint: true });
    const held = [...this.models.values()].flatMap(({ files }) => files).find((file) => file.sha256 === sha256);
    if (BigInt(held?.sizeBytes ?? -1) !== sizeBytes) {
      await handle.close();
      throw new StoreLikeError(`Opening ${path}: it changed`);
    }
    this.openHandles += 1;
    return this.#reader(handle, Number(sizeBytes), mtimeNs);
  }

  #reader(handle: FileHandle, sizeBytes: number, mtimeNs: bigint): ServedBlob {
    return {
      sizeBytes,
      read: async (buffer, position) => {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
        if ((await handle.stat({ bigint: true })).mtimeNs !== mtimeNs) throw new StoreLikeError('Reading: it changed');
        this.bytesRead += bytesRead;
        return bytesRead;
      },
      close: async () => {
        await handle.close();
        this.openHandles -= 1;
      },
    };
  }

  async pieceHashes(sha256: Sha256): Promise<Uint8Array | undefined> {
    return this.paths.has(sha256) ? createHash('sha256').update(sha256).digest() : undefined;
  }
}

/** Every control route answers `unexpected` but those given. */
export function controlWith(given: Partial<ControlHandlers>): ControlHandlers {
  const names = Object.keys(CONTROL_ROUTES);
  const rest = Object.fromEntries(
    names.map((name) => [name, () => Promise.reject(new Error(`${name} was not expected`))]),
  );
  return { ...rest, ...given } as unknown as ControlHandlers;
}

export interface TestEdge extends AsyncDisposable {
  readonly edge: HttpEdge;
  readonly content: FileContent;
  readonly port: number;
}

export async function openTestEdge(options: Partial<HttpEdgeOptions> = {}): Promise<TestEdge> {
  const folder = await mkdtemp(join(tmpdir(), 'atmosphere-edge-'));
  const content = new FileContent(folder);
  const edge = await openHttpEdge({
    port: 0,
    content,
    control: controlWith({}),
    peers: { verifyPeer: () => ({ nodeId: PEER_ID, role: 'member' }) },
    tokens: {
      verifyToken: async (bearer) => {
        if (bearer !== GOOD_TOKEN) throw new Error('not this token');
        return { subject: 'a tool' };
      },
    },
    localToken: LOCAL_TOKEN,
    ...options,
  }).catch(async (cause: unknown) => {
    await rm(folder, { recursive: true });
    throw cause;
  });
  const dispose = async (): Promise<void> => {
    await edge.close();
    await rm(folder, { recursive: true });
  };
  return { edge, content, port: edge.address.port, [Symbol.asyncDispose]: dispose };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** False when the connection ended before the body did. */
  readonly complete: boolean;
}

export function ask(options: RequestOptions & { body?: string }): Promise<Answer> {
  const { body, ...rest } = options;
  return new Promise((resolve, reject) => {
    const request = sendRequest({ host: '127.0.0.1', agent: false, ...rest }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => {});
      response.on('close', () => {
        const { statusCode: status = 0, headers, complete } = response;
        resolve({ status, headers, complete, body: Buffer.concat(chunks) });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

export async function askJson(
  options: RequestOptions & { body?: string },
): Promise<{ status: number; json: Json; headers: Answer['headers'] }> {
  const { status, headers, body } = await ask(options);
  return { status, headers, json: JSON.parse(body.toString()) as Json };
}
// biome-ignore lint/suspicious/noExplicitAny: what a test reads of an answer, it asserts
type Json = any;

export async function selfSigned(name: string): Promise<TlsIdentity> {
  const keys = (await webcrypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: `CN=${name}`,
      keys,
      signingAlgorithm: { name: 'Ed25519' },
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 3_600_000),
    },
    webcrypto,
  );
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
    cert: certificate.toString('pem'),
  };
}

/** A TLS connection as a peer (or without a certificate). */
export function openTls(port: number, identity?: TlsIdentity): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      ...identity,
    });
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', reject);
  });
}

export function openTcp(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: '127.0.0.1', port, allowHalfOpen: true });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Everything until the other side closes. */
export function readToEnd(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.once('close', () => resolve(text));
    socket.once('end', () => socket.end());
    socket.resume();
  });
}

/** Resolves when `holds` does; asks at every turn of the loop, so only for what happens by itself and soon. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

export const refusingPeers: PeerVerifier = {
  verifyPeer() {
    throw new Error('not a member');
  },
};
