/** Packages: import, rollback, removal, list, and whose are taken. Spec: docs/spec/21-packages.md §8, 11-cli.md. */
import { isAbsolute } from 'node:path';
import type { AnswerOf, ControlHandlers, PackageEvent } from '../../api/index.ts';
import { NodeError } from '../errors.ts';
import { PackageError } from '../packages/errors.ts';
import { openForImport, type WaitingParts } from '../packages/open-for-import.ts';
import type { InstallEvent } from '../packages/ports.ts';
import { eventQueue } from './event-queue.ts';
import { PackageEvents, toCompleted, toConfigEvent, toFailed } from './package-events.ts';
import { removePackageOrParts } from './package-removal.ts';
import { packageRows, waitingRows } from './package-rows.ts';
import type { NodeParts } from './parts.ts';

type Routes =
  | ('packageImport' | 'packageRollback' | 'packageRemove' | 'packageList')
  | ('packageTrust' | 'packageTrustAdd' | 'packageTrustRemove');
type PackageControl = Pick<ControlHandlers, Routes>;
type ImportBody = Parameters<ControlHandlers['packageImport']>[0]['body'];
type Push = (event: PackageEvent) => void;

export function packageControl(parts: NodeParts): PackageControl {
  return {
    packageImport: ({ body }, signal) => told(parts, signal, (push) => importFrom(parts, body, push, signal)),
    packageRollback: ({ body }, signal) =>
      told(parts, signal, (push) => follow(parts, parts.packages.rollback(body.id, body), push)),
    packageRemove: ({ body }) => removePackageOrParts(parts, body),
    async packageList() {
      return { packages: packageRows(parts), waiting: await waitingRows(await parts.partsInbox()) };
    },
    async packageTrust() {
      return trustOf(parts);
    },
    async packageTrustAdd({ body }) {
      const { audit, packageTrust } = parts;
      const whom = 'mesh_id' in body ? body.mesh_id : 'founder';
      audit.insist('policy', { what: 'package trust', whom, name: body.name });
      if ('mesh_id' in body) packageTrust.addMesh(body.mesh_id, body.name);
      else packageTrust.addFounder(body.founder, body.name);
      return trustOf(parts);
    },
    async packageTrustRemove({ body }) {
      parts.audit.insist('policy', { what: 'package trust removed', whom: body.id });
      parts.packageTrust.remove(body.id);
      return trustOf(parts);
    },
  };
}

/** The last event says how it ended. */
async function* told(
  { packages }: NodeParts,
  signal: AbortSignal,
  act: (push: Push) => Promise<void>,
): AsyncGenerator<PackageEvent> {
  const queue = eventQueue<PackageEvent>(new AbortController().signal);
  const done = act((event) => queue.push(event)).finally(() => queue.end());
  done.catch(() => {});
  yield { event: 'started' };
  yield* queue;
  try {
    await done;
  } catch (thrown) {
    if (!signal.aborted) yield toFailed(thrown, packages.list().length);
  }
}

async function importFrom(parts: NodeParts, body: ImportBody, push: Push, signal: AbortSignal): Promise<void> {
  const { path, tier, allow_downgrade, allow_other_mesh: mayChangeMesh, reason } = body;
  if (!isAbsolute(path)) throw new NodeError('nothing_to_import', `Importing ${path}: the path must be absolute`);
  if (allow_downgrade && (reason ?? '').trim() === '')
    throw new PackageError('reason_needed', 'Importing an older version: --allow-downgrade wants a --reason');
  let copiedBytes = 0;
  const onBytes = (byteCount: number): void => {
    copiedBytes += byteCount;
    push({ event: 'progress', step: 'open', done_bytes: copiedBytes });
  };
  const opened = await openForImport(path, { inbox: parts.partsInbox, onBytes, signal });
  if ('waiting' in opened) return push(toWaiting(opened.waiting));
  await using source = opened.source;
  const allTiers = body.all_tiers ?? (parts.mesh.role === 'gateway' ? 'where_complete' : undefined);
  const downgrade = allow_downgrade ? { reason: reason ?? '' } : undefined;
  const options = { tier, allTiers, downgrade, mayChangeMesh, from: { way: 'file', name: path }, signal } as const;
  await follow(parts, parts.packages.install(source, options), push);
  await opened.whenInstalled();
}

async function follow(parts: NodeParts, events: AsyncIterable<InstallEvent>, push: Push): Promise<void> {
  const words = new PackageEvents(parts.clock);
  for await (const event of events) {
    if (event.on !== 'installed') push(words.of(event));
    else {
      for (const change of event.config) push(toConfigEvent(change));
      const row = packageRows(parts).find(({ id }) => id === event.id);
      const agents = event.isUnchanged ? [] : (row?.agents ?? []);
      for (const agent of agents) push({ event: 'agent', message: `${agent.id} ${agent.version}: ${agent.detail}` });
      push(toCompleted(event, row));
    }
  }
}

function toWaiting({ packageName, package: known }: WaitingParts): PackageEvent {
  if (known === undefined)
    return {
      event: 'waiting',
      path: packageName,
      message: `${packageName}.parts.json has not come`,
      missing_parts: [],
    };
  const missing = known.parts.filter(({ state }) => state !== 'here').map(({ name }) => name);
  const message = `${known.parts.length - missing.length} of ${known.parts.length} parts of ${packageName} are here`;
  const bytes = { done_bytes: known.sizeBytes - known.missingBytes, total_bytes: known.sizeBytes };
  return { event: 'waiting', path: packageName, message, missing_parts: missing, ...bytes };
}

function trustOf({ packageTrust, mesh }: NodeParts): AnswerOf<'packageTrust'> {
  const parties = packageTrust.list();
  const added = (kind: 'mesh' | 'founder') =>
    parties
      .filter((party) => party.kind === kind)
      .map((party) => ({ ...party, at: new Date(party.addedAtMs).toISOString() }));
  const own = { mesh_id: mesh.meshId, name: mesh.identity.meshName, added_at: null, own: true };
  const meshes = added('mesh').map(({ id, name, at }) => ({ mesh_id: id, name, added_at: at, own: false }));
  return {
    meshes: [own, ...meshes],
    founders: added('founder').map(({ id, name, at }) => ({ key: id, name, added_at: at })),
  };
}
