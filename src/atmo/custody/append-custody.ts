/** One more hand through which a package goes. Spec: docs/spec/21-packages.md §7. Pure. */

import type { NodeId } from '../../core/index.ts';
import {
  CUSTODY_START,
  type CustodyAction,
  type CustodyLine,
  custodyHash,
  formatCustodyLine,
  type NodeCertificate,
  type PackageManifest,
  PROTOCOL_LIMITS,
  packageDigest,
  SIGNING_CONTEXTS,
  splitCustody,
} from '../../protocol/index.ts';
import { type Signer, signObject } from '../../trust/index.ts';
import { AtmoError } from '../errors.ts';

export interface CustodyEntry {
  readonly action: CustodyAction;
  readonly manifest: PackageManifest;
  /** Whose hand. */
  readonly by: { readonly nodeId: NodeId; readonly name: string };
  /** To whom or what, for people. */
  readonly to?: string | undefined;
  readonly certificate?: NodeCertificate | undefined;
  /** The node's key. */
  readonly signer: Signer;
  readonly nowMs: number;
}

/** The whole of the new custody.jsonl. What was there is not looked at, but for its last line. Throws AtmoError `custody_broken`. */
export function appendCustody(before: string, entry: CustodyEntry): string {
  const lines = splitCustody(before);
  if (lines.length >= PROTOCOL_LIMITS.custodyLines)
    throw new AtmoError('custody_broken', `Adding to custody.jsonl: it has ${lines.length} lines, as many as it may`, {
      data: { line: lines.length, reason: 'full' },
    });
  return before + formatCustodyLine(makeLine(lines, entry));
}

function makeLine(lines: readonly string[], entry: CustodyEntry): CustodyLine {
  const { action, manifest, by, to, certificate, signer, nowMs } = entry;
  const { id, version } = manifest.package;
  const last = lines.at(-1);
  const body = {
    ...{ type: 'custody' as const, seq: lines.length + 1, at: toSeconds(nowMs), action },
    by: { node_id: by.nodeId, name: by.name },
    ...(to === undefined ? {} : { to }),
    package: { id, version, manifest_sha256: packageDigest(manifest) },
    previous: last === undefined ? CUSTODY_START : custodyHash(last),
    ...(certificate === undefined ? {} : { certificate }),
  };
  return signObject(SIGNING_CONTEXTS.custody, body, signer, nowMs);
}

function toSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -'.000Z'.length)}Z`;
}
