/** Packages of this node as the control API lists them. */
import type { InstalledPackageRow, WaitingPackageRow } from '../../api/index.ts';
import type { PartsInbox } from '../../atmo/index.ts';
import type { PackageJournalRow, PackageRow, PackageVersion } from '../../registry/index.ts';
import { describeAgent } from '../packages/agent-words.ts';
import { isBack, isRemoval, type JournalStep } from '../packages/steps.ts';
import type { NodeParts } from './parts.ts';

/** By id: those in force, then what is under way or was stopped before anything of it was. */
export function packageRows(parts: NodeParts): InstalledPackageRow[] {
  const { packages } = parts;
  const journal = new Map(packages.underWay().map((row) => [row.id, row]));
  const installed = packages.list();
  const here = installed.map((row) => toRow(parts, row, journal.get(row.id)));
  const known = new Set(installed.map(({ id }) => id));
  const coming = [...journal.values()].filter(({ id }) => !known.has(id)).map((row) => toComing(parts, row));
  return [...here, ...coming];
}

/** Packages of the inbox. */
export async function waitingRows(inbox: PartsInbox): Promise<WaitingPackageRow[]> {
  const { packages } = await inbox.status();
  return packages.map(({ packageName, sizeBytes, missingBytes, parts }) => ({
    ...{ name: packageName, size_bytes: sizeBytes, missing_bytes: missingBytes, parts: parts.length },
    missing_parts: parts.filter(({ state }) => state !== 'here').map(({ name }) => name),
  }));
}

function toRow(parts: NodeParts, row: PackageRow, journal: PackageJournalRow | undefined): InstalledPackageRow {
  const { current, previous } = row;
  const state = journal === undefined ? 'installed' : stateOf(journal);
  const agents = parts.agents.statuses(current.id).map((status) => {
    return { id: status.id, version: status.version, state: status.state, detail: describeAgent(status) };
  });
  return {
    ...factsOf(current),
    ...{ state, previous_version: previous?.version ?? null, installed_at: timeOf(current.installedAtMs), agents },
    path: parts.packages.folderOf(current),
    notes: journal === undefined ? [] : notesOf(journal),
  };
}

function toComing(_parts: NodeParts, row: PackageJournalRow): InstalledPackageRow {
  const nothing = { previous_version: null, installed_at: null, agents: [], path: null };
  return { ...factsOf(row.target), ...nothing, state: stateOf(row), notes: notesOf(row) };
}

function factsOf(version: PackageVersion) {
  const { id, tier, members, manifestSha256, meshId, signer, createdBy, createdAt, models } = version;
  return {
    ...{ id, version: version.version, tier: tier as InstalledPackageRow['tier'] },
    size_bytes: members.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    ...{ manifest_sha256: manifestSha256, mesh_id: meshId, signer, created_by: createdBy, created_at: createdAt },
    models: models.length,
  };
}

function stateOf({ step, kind }: PackageJournalRow): string {
  if (step === 'stopped') return 'stopped';
  if (isRemoval(step as JournalStep)) return 'removing';
  if (step === 'tidy' || step === 'back_tidy') return 'installed';
  return kind === 'rollback' || isBack(step as JournalStep) ? 'rolling_back' : 'installing';
}

function notesOf({ step, target, detail }: PackageJournalRow): string[] {
  const cause = typeof detail.cause === 'string' ? `: ${detail.cause}` : '';
  if (step === 'stopped') return [`${target.version} was stopped${cause}; importing it again goes on`];
  if (isRemoval(step as JournalStep)) return [`${target.version} is removed; something of it could not be deleted yet`];
  return isBack(step as JournalStep) ? [`${target.version} failed${cause}`] : [];
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
