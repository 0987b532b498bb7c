import { describe, expect, test } from 'vitest';
import type { MeshId, NodeId } from '../core/index.ts';
import {
  type NodeCertificate,
  parseReconcileAnswer,
  parseReconcileAsk,
  parseRecord,
  SIGNING_CONTEXTS,
  type SignedRecord,
  signingBytes,
} from '../protocol/index.ts';
import { vectorCases } from '../testkit/vectors.ts';
import { keyFromSeed, publicBytesOf, signRecord, toMeshId } from '../trust/index.ts';
import { checkRecord, RECORD_REJECTIONS } from './check-record.ts';
import { MembershipView } from './membership-view.ts';
import { digestRecords, listRecords } from './record-digest.ts';

interface RecordCase {
  readonly name: string;
  readonly valid: boolean;
  readonly rejection: string | null;
  readonly now_ms: number;
  readonly held: readonly SignedRecord[];
  readonly record: unknown;
  readonly signed_text?: string;
}
interface IdCase {
  readonly name: string;
  readonly seed: string;
  readonly mesh_id: MeshId;
}

const IDS = vectorCases<IdCase>('trust', 'ids.json').map(([, one]) => one);
const MESH_ID = IDS[0]?.mesh_id as MeshId;
const SEEDS = new Map(IDS.map(({ seed }) => [seedAuthor(seed), seed]));

function seedAuthor(seed: string): MeshId {
  return toMeshId(publicBytesOf(keyFromSeed(Buffer.from(seed, 'hex'))));
}

function judge(one: RecordCase): string | null {
  let record: SignedRecord;
  try {
    record = parseRecord(one.record);
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'malformed' });
    return 'malformed';
  }
  const view = new MembershipView(one.held.filter(({ author }) => author === MESH_ID));
  const certificateOf = (nodeId: NodeId): NodeCertificate | undefined => view.certificateOf(nodeId);
  const held = one.held.find((other) => {
    return other.author === record.author && other.kind === record.kind && other.key === record.key;
  });
  const isRevoked = (nodeId: NodeId) => view.revocationOf(nodeId) !== undefined;
  const context = { meshId: MESH_ID, nowMs: one.now_ms, certificateOf, isRevoked, held };
  return checkRecord(record, { ...context, floor: 0, wouldExceed: () => false }) ?? null;
}

describe('records', () => {
  test.each(vectorCases<RecordCase>('records', 'record.json'))('%s', (_name, one) => {
    expect(judge(one)).toBe(one.rejection);
    if (one.signed_text === undefined) return;
    const record = parseRecord(one.record);
    expect(signingBytes(SIGNING_CONTEXTS.record, record).toString('utf8')).toBe(one.signed_text);
    expect(signAgain(record)).toEqual(record);
  });

  test('every rejection that a record alone can cause has a case', () => {
    const covered = new Set(vectorCases<RecordCase>('records', 'record.json').map(([, one]) => one.rejection));
    const byState = ['too_large', 'over_quota', 'certificate_invalid'];
    expect(RECORD_REJECTIONS.filter((code) => !covered.has(code) && !byState.includes(code))).toEqual([]);
  });
});

/** Ed25519 is deterministic: signed again by the same key, the record is the same. */
function signAgain(record: SignedRecord): SignedRecord {
  const { kind, key, payload, seq, issued_at: issuedAtMs, expires_at } = record;
  const seed = record.author === MESH_ID ? SEEDS.get(MESH_ID) : IDS.find(({ name }) => name === 'node')?.seed;
  const privateKey = keyFromSeed(Buffer.from(seed ?? '', 'hex'));
  const draft = { kind, key, payload, seq, issuedAtMs, ttlMs: expires_at - issuedAtMs };
  return signRecord(draft, { id: record.author, privateKey });
}

interface DigestCase {
  readonly name: string;
  readonly records: SignedRecord[];
  readonly digests: unknown;
  readonly list: unknown;
}

describe('digests', () => {
  test.each(vectorCases<DigestCase>('records', 'digest.json'))('%s', (_name, one) => {
    expect(digestRecords(one.records.toReversed())).toEqual(one.digests);
    expect(listRecords(one.records.toReversed())).toEqual(one.list);
  });
});

interface ReconcileCase {
  readonly name: string;
  readonly valid: boolean;
  readonly parser: 'ask' | 'answer';
  readonly message: unknown;
}

describe('reconciliation', () => {
  test.each(vectorCases<ReconcileCase>('records', 'reconcile.json'))('%s', (_name, one) => {
    const parse = () => (one.parser === 'ask' ? parseReconcileAsk(one.message) : parseReconcileAnswer(one.message));
    if (one.valid) expect(parse()).toEqual(one.message);
    else expect(parse).toThrow(expect.objectContaining({ code: 'malformed' }));
  });
});
