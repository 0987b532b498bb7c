/** Pulls: start and follow, list, watch, cancel. */
import type { ControlHandlers, PullEvent, Transfer as TransferAnswer } from '../../api/index.ts';
import { type NodeId, parseRequestId, type RequestId } from '../../core/index.ts';
import type { ModelEntry } from '../../protocol/index.ts';
import { formatRate, type Priority, parseRate, type TransferWish } from '../../transfer/index.ts';
import type { DifferenceChoice } from '../pull/ports.ts';
import type { Transfer } from '../pull/transfer.ts';
import { isEnded, type TransferFailure, type TransferSnapshot } from '../pull/transfer-snapshot.ts';
import { withClaim } from '../swarm-view.ts';
import { verifyConsent } from './consent-control.ts';
import { eventQueue } from './event-queue.ts';
import { nameOf, withNames } from './known-names.ts';
import { findNode } from './mesh-control.ts';
import type { NodeParts } from './parts.ts';
import { entryToPull, type PullTarget } from './pull-target.ts';

type TransferControl = Pick<
  ControlHandlers,
  'pull' | 'transfers' | 'transferEvents' | 'transferCancel' | 'transferPause' | 'transferResume' | 'transferWish'
>;

export function transferControl(parts: NodeParts): TransferControl {
  const { transfers } = parts;
  return {
    pull: ({ body }, signal) => followPull(parts, body, signal),
    async transfers() {
      return { transfers: transfers.list().map((snapshot) => toAnswer(parts, snapshot)) };
    },
    async *transferEvents(_input, signal) {
      const queue = eventQueue<TransferSnapshot>(signal);
      const stop = transfers.events.on((snapshot) => queue.push(snapshot));
      try {
        for await (const snapshot of queue) yield toAnswer(parts, snapshot);
      } finally {
        stop();
      }
    },
    async transferCancel({ params }) {
      const transfer = transfers.cancel(parseRequestId(params.request_id ?? ''));
      await transfer.untilOver();
      return toAnswer(parts, transfer.snapshot());
    },
    async transferPause({ body }) {
      const paused = await transfers.pause(idOf(body.request_id));
      return { transfers: paused.map((transfer) => toAnswer(parts, transfer.snapshot())) };
    },
    async transferResume({ body }) {
      const resumed = transfers.goOn(idOf(body.request_id));
      return { transfers: resumed.map((transfer) => toAnswer(parts, transfer.snapshot())) };
    },
    async transferWish({ body }) {
      const transfer = transfers.wish(parseRequestId(body.request_id), toWish(body));
      return toAnswer(parts, transfer.snapshot());
    },
  };
}

function idOf(text: string | undefined): RequestId | undefined {
  return text === undefined ? undefined : parseRequestId(text);
}

/** What is said, and nothing else; a limit that is cleared is said to be none. Throws TransferError `bad_rate`. */
function toWish(body: Parameters<ControlHandlers['transferWish']>[0]['body']): TransferWish {
  const { priority, download, upload, clear } = body;
  return {
    ...(clear ? { download: undefined, upload: undefined } : {}),
    ...(priority === undefined ? {} : { priority }),
    ...(download === undefined ? {} : { download: parseRate(download) }),
    ...(upload === undefined ? {} : { upload: parseRate(upload) }),
  };
}

interface PullBody extends PullTarget {
  readonly from?: string | undefined;
  readonly priority?: Priority | undefined;
  readonly yes?: boolean | undefined;
  readonly difference?: DifferenceChoice | undefined;
}

/** The pull goes on when nobody follows any more: it belongs to the daemon. */
async function* followPull(parts: NodeParts, body: PullBody, signal: AbortSignal): AsyncGenerator<PullEvent> {
  const transfer = await startPull(parts, body, signal);
  const queue = eventQueue<TransferSnapshot>(signal);
  const stop = transfer.events.on((snapshot) => {
    queue.push(snapshot);
    if (transfer.isOver) queue.end();
  });
  try {
    yield toEvent(parts, 'started', transfer.snapshot());
    let last: TransferSnapshot | undefined;
    if (!transfer.isOver)
      for await (const snapshot of queue) {
        last = snapshot;
        if (!isEnded(snapshot.state))
          yield toEvent(parts, snapshot.state === 'Verifying' ? 'verifying' : 'progress', snapshot);
      }
    const end = transfer.isOver ? transfer.snapshot() : last;
    if (end !== undefined && isEnded(end.state))
      yield toEvent(parts, end.state === 'Completed' ? 'completed' : 'failed', end);
  } finally {
    stop();
  }
}

async function startPull(parts: NodeParts, body: PullBody, signal: AbortSignal): Promise<Transfer> {
  const { from, priority, yes = false, difference } = body;
  const entry = await entryToPull(parts, body, signal);
  verifyConsent(parts, entry, yes);
  const fromNode: NodeId | undefined = from === undefined ? undefined : findNode(parts, from);
  const wish = priority === undefined ? {} : { wish: { priority } };
  const target = { entry: asToldBy(parts, entry, fromNode), difference };
  return parts.transfers.start({ target, from: fromNode, ...wish });
}

/** Who is named is asked for what it says itself, however many say otherwise. */
function asToldBy({ catalog }: NodeParts, entry: ModelEntry, nodeId: NodeId | undefined): ModelEntry {
  const claims = nodeId === undefined ? [] : catalog.claimsOf(entry.sha256);
  const own = claims.find(({ nodes }) => nodes.some((node) => node.nodeId === nodeId));
  return own === undefined ? entry : withClaim(entry, own.entry);
}

function toEvent(parts: NodeParts, event: PullEvent['event'], snapshot: TransferSnapshot): PullEvent {
  const { state: _state, started_at: _startedAt, error, ...facts } = toAnswer(parts, snapshot);
  return {
    event,
    ...facts,
    ...(snapshot.alreadyHere ? { already_here: true } : {}),
    ...(snapshot.state === 'Paused' ? { paused: true } : {}),
    ...(error === undefined ? {} : { error: error.message, code: error.code, kind: error.kind }),
  };
}

function toAnswer(parts: NodeParts, snapshot: TransferSnapshot): TransferAnswer {
  const { entry, totalBytes, bytesDownloaded, error } = snapshot;
  const share = totalBytes === 0 ? 1 : Math.min(1, bytesDownloaded / totalBytes);
  return {
    request_id: snapshot.requestId,
    model_id: entry.model_id,
    version: entry.version,
    state: snapshot.state,
    sha256: entry.sha256,
    size_bytes: entry.size_bytes,
    bytes_downloaded: bytesDownloaded,
    progress_percent: Math.round(share * 1000) / 10,
    transfer_rate_mbps: Math.round((snapshot.rateBytesPerSecond * 8) / 10_000) / 100,
    eta_seconds: snapshot.etaSeconds,
    peers: snapshot.peers.map(({ nodeId, bytes, failures, dropped }) => ({
      node_id: nodeId,
      name: nameOf(parts, nodeId),
      bytes,
      failures,
      ...(dropped === undefined ? {} : { dropped }),
    })),
    ...(snapshot.mirrors.length === 0 ? {} : { mirrors: [...snapshot.mirrors] }),
    ...wishOf(snapshot),
    ...heldTo(parts, snapshot),
    ...differenceOf(snapshot),
    path: snapshot.path ?? null,
    started_at: new Date(snapshot.startedAtMs).toISOString(),
    duration_ms: snapshot.durationMs,
    ...(error === undefined ? {} : { error: { ...error, message: messageFor(parts, entry.model_id, error) } }),
  };
}

/** A peer that refused by the policy says only that it did: which role, and what to do, is known here. */
function messageFor(parts: NodeParts, modelId: string, { code, message }: TransferFailure): string {
  if (code !== 'not_permitted') return withNames(parts, message);
  const { role } = parts.mesh;
  return `Pulling ${modelId}: the role of this node, ${role}, may not read it; an admin changes that with \`atmosphere access set ${modelId} --read …,${role}\``;
}

/** A limit that is far above what comes holds nothing back: then it is the peers, or the line. */
function heldTo({ rates }: NodeParts, snapshot: TransferSnapshot): Pick<TransferAnswer, 'held_to'> {
  const rate = rates.downloadRateOf(snapshot.requestId, snapshot.totalBytes);
  const isHeld = !isEnded(snapshot.state) && snapshot.rateBytesPerSecond >= rate / 2;
  return isHeld && Number.isFinite(rate) ? { held_to: formatRate(rate) } : {};
}

function differenceOf({ difference }: TransferSnapshot): Pick<TransferAnswer, 'difference'> {
  if (difference === undefined) return {};
  const { state, bytes, totalBytes: total_bytes, insteadOfBytes: instead_of_bytes } = difference;
  return { difference: { state, bytes, total_bytes, instead_of_bytes } };
}

function wishOf({ wish, waiting }: TransferSnapshot): Pick<TransferAnswer, 'priority' | 'limits' | 'waiting'> {
  const limits = {
    ...(wish.download === undefined ? {} : { download: formatRate(wish.download) }),
    ...(wish.upload === undefined ? {} : { upload: formatRate(wish.upload) }),
  };
  return {
    priority: wish.priority ?? 'normal',
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...(waiting === undefined ? {} : { waiting: { for: 'holder', left_s: Math.ceil(waiting.leftMs / 1000) } }),
  };
}
