/** The rate policy by the control API: shown, changed. Spec: docs/spec/10-transfer.md §11. */
import type { ControlHandlers, Limits } from '../../api/index.ts';
import { formatRate, formatRatePolicy, type RatePolicyText } from '../../transfer/index.ts';
import { nameOf } from './known-names.ts';
import { findNode } from './mesh-control.ts';
import type { NodeParts } from './parts.ts';

type LimitsControl = Pick<ControlHandlers, 'limits' | 'limitsChange'>;
type Change = Parameters<ControlHandlers['limitsChange']>[0]['body'];

type PolicyText = ReturnType<typeof formatRatePolicy>;

export function limitsControl(parts: NodeParts): LimitsControl {
  return {
    async limits() {
      return toAnswer(parts);
    },
    async limitsChange({ body }) {
      const nodeId = body.peer === undefined ? undefined : findNode(parts, body.peer);
      parts.rates.change(mergeLimits(formatRatePolicy(parts.rates.policy), body, nodeId));
      return toAnswer(parts);
    },
  };
}

/** The policy with what was asked for. Pure. */
export function mergeLimits(policy: PolicyText, change: Change, nodeId?: string): RatePolicyText {
  return nodeId === undefined ? mergeNode(policy, change) : mergePeer(policy, change, nodeId);
}

/** The profile `lan` has no limits, so that asking for it takes those that were; a limit makes a `lan` custom. */
function mergeNode(policy: PolicyText, change: Change): RatePolicyText {
  const { profile, download, upload, per_peer, schedule, yields, clear } = change;
  const before: RatePolicyText = clear || profile === 'lan' ? {} : policy;
  const given = Object.entries({ download, upload, per_peer, schedule, yields }).filter(
    ([, value]) => value !== undefined,
  );
  const isLan = (profile ?? before.profile ?? 'lan') === 'lan';
  const next = isLan && given.length > 0 ? 'custom' : (profile ?? before.profile ?? 'lan');
  return { ...before, ...Object.fromEntries(given), profile: next };
}

function mergePeer(policy: PolicyText, { download, upload, clear }: Change, nodeId: string): RatePolicyText {
  const { [nodeId]: before = {}, ...others } = policy.peers;
  const rates = { ...(clear ? {} : before), ...(download && { download }), ...(upload && { upload }) };
  const isFree = Object.values(rates).every((rate) => rate === undefined || rate === 'unlimited');
  const peers = isFree ? others : { ...others, [nodeId]: rates };
  return { ...policy, peers, profile: policy.profile === 'lan' && !isFree ? 'custom' : policy.profile };
}

function toAnswer(parts: NodeParts): Limits {
  const { policy } = parts.rates;
  const { profile, yields } = policy;
  const { download, upload, per_peer, peers, schedule } = formatRatePolicy(policy);
  const rows = Object.entries(peers).map(([node_id, rates]) => ({
    ...{ node_id, name: nameOf(parts, node_id) },
    ...{ download: rates.download ?? 'unlimited', upload: rates.upload ?? 'unlimited' },
  }));
  return {
    ...{ profile, yields, peers: rows, schedule: [...(schedule ?? [])] },
    ...{ download: download ?? 'unlimited', upload: upload ?? 'unlimited', per_peer: per_peer ?? 'unlimited' },
    now: limitsNow(parts),
  };
}

/** What holds at this moment, and until when. */
export function limitsNow({ rates }: NodeParts): Limits['now'] {
  const { download, upload, bySize, nextChangeMs } = rates.rules;
  return {
    ...{ download: formatRate(download), upload: formatRate(upload), by_size: bySize },
    until: nextChangeMs === undefined ? null : new Date(nextChangeMs).toISOString(),
  };
}
