/** Models signed for, and checked by, tools that know nothing of this mesh. Spec: docs/spec/20-access.md §8. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { AnswerOf, ControlHandlers } from '../../api/index.ts';
import { messageOf, type NodeId } from '../../core/index.ts';
import type { LocalModel } from '../../registry/index.ts';
import {
  keyHint,
  makeModelBundle,
  mayWrite,
  publicKeyOfId,
  readModelBundle,
  type SignedFile,
} from '../../trust/index.ts';
import { NodeError } from '../errors.ts';
import { NODE_LIMITS } from '../limits.ts';
import { nameOf } from './known-names.ts';
import { localOf } from './model-control.ts';
import type { NodeParts } from './parts.ts';

type BundleControl = Pick<ControlHandlers, 'bundleMake' | 'bundleVerify'>;
type Difference = AnswerOf<'bundleVerify'>['differences'][number];

export function bundleControl(parts: NodeParts): BundleControl {
  return {
    async bundleMake({ body }) {
      const model = localOf(parts, body.id, body.range);
      const files = signedFilesOf(model);
      const { nodeId, nodeKey } = parts.mesh.identity;
      parts.audit.insist('policy', {
        what: 'signed',
        model_id: model.modelId,
        version: model.version,
        sha256: model.sha256,
      });
      const bundle = makeModelBundle({ modelName: model.modelId, files }, nodeKey);
      const public_key = publicKeyOfId(nodeId).export({ format: 'pem', type: 'spki' }).toString();
      return {
        model_id: model.modelId,
        version: model.version,
        files: files.length,
        signer: nodeId,
        public_key,
        bundle,
      };
    },
    async bundleVerify({ body }) {
      const model = localOf(parts, body.id, body.range);
      const known = membersByHint(parts);
      const keys = body.key === undefined ? [...known.values()].map(({ key }) => key) : [await readKey(body.key)];
      const read = readModelBundle(await readText(body.bundle, NODE_LIMITS.bundleBytes), keys);
      const signer = known.get(keyHint(read.key))?.nodeId;
      const differences = compare(read.files, signedFilesOf(model));
      return {
        ok: differences.length === 0,
        ...{ model_id: model.modelId, version: model.version, signed_name: read.modelName, files: read.files.length },
        signer: signer === undefined ? null : signerRow(parts, signer, model),
        differences: differences.slice(0, NODE_LIMITS.bundleDifferences),
      };
    },
  };
}

/** Throws NodeError `model_not_ready`: what was not read has no digest to be signed. */
function signedFilesOf({ modelId, files, state }: LocalModel): SignedFile[] {
  const read = files.flatMap(({ path, sha256 }) => (sha256 === undefined ? [] : [{ path, sha256 }]));
  if (state === 'ready' && read.length === files.length && read.length > 0) return read;
  throw new NodeError('model_not_ready', `Signing ${modelId}: its files have not been read yet`);
}

function compare(signed: readonly SignedFile[], here: readonly SignedFile[]): Difference[] {
  const left = new Map(here.map(({ path, sha256 }) => [path, sha256]));
  const differences = signed.flatMap(({ path, sha256 }): Difference[] => {
    const own = left.get(path);
    left.delete(path);
    if (own === sha256) return [];
    return [{ path, what: own === undefined ? 'missing' : 'changed' }];
  });
  return [...differences, ...[...left.keys()].map((path): Difference => ({ path, what: 'not_signed' }))];
}

/** Of current members: a key that was put out, or whose certificate is over, vouches for nothing. */
function membersByHint({ mesh, access }: NodeParts): Map<string, { readonly nodeId: NodeId; readonly key: KeyObject }> {
  const current = mesh.members().filter(({ nodeId }) => access.roleOf(nodeId) !== undefined);
  return new Map(
    current.map(({ nodeId }) => {
      const key = publicKeyOfId(nodeId);
      return [keyHint(key), { nodeId, key }];
    }),
  );
}

function signerRow(parts: NodeParts, nodeId: NodeId, { modelId }: LocalModel) {
  const { access } = parts;
  const role = access.roleOf(nodeId) ?? 'member';
  return { node_id: nodeId, name: nameOf(parts, nodeId), role, may_write: mayWrite(access.current, modelId, role) };
}

async function readKey(path: string): Promise<KeyObject> {
  try {
    return createPublicKey(await readText(path, NODE_LIMITS.publicKeyBytes));
  } catch (cause) {
    if (cause instanceof NodeError) throw cause;
    throw new NodeError('bundle_unreadable', `Reading ${path}: it is no public key in PEM`, { cause });
  }
}

async function readText(path: string, most: number): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    if (size > most) throw new Error(`it has ${size} bytes, at most ${most} are read`);
    return await file.readFile('utf8');
  } catch (cause) {
    throw new NodeError('bundle_unreadable', `Reading ${path}: ${messageOf(cause)}`, { cause });
  }
}
