import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { describe, expect, test } from 'vitest';
import type { MeshId, NodeId } from '../core/index.ts';
import { keyFromSeed, makeKey, publicBytesOf, publicBytesOfId, seedOf, toMeshId, toNodeId } from './keys.ts';

describe('ids', () => {
  test('toNodeId() gives the peer id that libp2p gives the same key', async () => {
    const key = makeKey();
    const peerKey = await generateKeyPairFromSeed('Ed25519', seedOf(key));
    expect(toNodeId(publicBytesOf(key))).toBe(peerIdFromPrivateKey(peerKey).toString());
  });

  test('publicBytesOfId() is the inverse of both conversions', () => {
    const bytes = publicBytesOf(makeKey());
    expect(publicBytesOfId(toNodeId(bytes))).toEqual(bytes);
    expect(publicBytesOfId(toMeshId(bytes))).toEqual(bytes);
  });

  test('publicBytesOfId() refuses texts of the right form that hold no key', () => {
    const notAKey = `12D3KooW${'z'.repeat(44)}` as NodeId;
    expect(() => publicBytesOfId(notAKey)).toThrow(expect.objectContaining({ code: 'invalid_id' }));
    expect(() => publicBytesOfId(`mesh_${'1'.repeat(44)}` as MeshId)).toThrow(
      expect.objectContaining({ code: 'invalid_id' }),
    );
  });

  test('seedOf() and keyFromSeed() carry a key to libp2p and back', () => {
    const key = makeKey();
    expect(publicBytesOf(keyFromSeed(seedOf(key)))).toEqual(publicBytesOf(key));
  });
});
