import { describe, expect, test } from 'vitest';
import type { NodeId } from '../../core/index.ts';
import { chooseNodes, quotaOf } from '../../deploy/index.ts';
import { parseRollout, type RolloutSpec } from '../../protocol/index.ts';
import { checkRollout } from '../../trust/index.ts';
import { vectorCases } from '../vectors.ts';

const FOLDER = 'rollout';

interface RecordCase {
  readonly name: string;
  readonly payload: unknown;
  readonly valid: boolean;
}

describe('records', () => {
  test.each(vectorCases<RecordCase>(FOLDER, 'records.json'))('%s', (_name, { payload, valid }) => {
    if (valid) expect(() => parseRollout(payload)).not.toThrow();
    else expect(() => parseRollout(payload)).toThrow(expect.objectContaining({ code: 'malformed' }));
  });
});

interface ChoiceCase {
  readonly name: string;
  readonly rollout_id: string;
  readonly candidates: readonly { readonly node_id: NodeId; readonly architecture: string }[];
  readonly taken: ChoiceCase['candidates'];
  readonly count: number;
  readonly chosen: readonly NodeId[];
}

describe('choice', () => {
  test.each(vectorCases<ChoiceCase>(FOLDER, 'choice.json'))('%s', (_name, given) => {
    const toNodes = (nodes: ChoiceCase['candidates']) =>
      nodes.map(({ node_id: nodeId, architecture }) => ({ nodeId, architecture, online: true }));
    const { rollout_id: rolloutId, count, chosen } = given;
    const choice = { rolloutId, candidates: toNodes(given.candidates), taken: toNodes(given.taken), count };
    expect(chooseNodes(choice)).toEqual(chosen);
  });
});

interface QuotaCase {
  readonly name: string;
  readonly waves: readonly string[];
  readonly total: number;
  readonly quotas: readonly number[];
}

test.each(vectorCases<QuotaCase>(FOLDER, 'quotas.json'))('%s', (_name, { waves, total, quotas }) => {
  expect(waves.map((_wave, index) => quotaOf(waves, index, total))).toEqual(quotas);
});

interface SignatureCase {
  readonly name: string;
  readonly spec: RolloutSpec;
  readonly good: boolean;
}

test.each(vectorCases<SignatureCase>(FOLDER, 'signatures.json'))('%s', (_name, { spec, good }) => {
  const strangers = {
    certificateOf: () => undefined,
    isRevoked: () => false,
    policy: undefined,
    nowMs: spec.ordered_at,
  };
  // Signed by whom it says, though nobody here knows that one.
  expect(checkRollout(spec, strangers)).toBe(good ? 'orderer_unknown' : 'order_signature_wrong');
});
