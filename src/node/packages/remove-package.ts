/**
 * A package goes, with every version that is here: one transaction takes it out of force, and what follows is redone until it is done.
 * The operator's configuration stays. Spec: docs/spec/21-packages.md §8.
 */
import { messageOf } from '../../core/index.ts';
import type { PackageJournalRow, PackageRepository, PackageRow, PackageVersion } from '../../registry/index.ts';
import { PackageError } from './errors.ts';
import type { ImportPorts } from './import-ports.ts';
import type { InstallLine } from './install-line.ts';
import { InstallRun } from './install-run.ts';
import { keptVersions } from './kept-versions.ts';

type Needed = Pick<ImportPorts, 'rows' | 'ports' | 'audit' | 'clock' | 'logger'>;

/** The versions that were here. Throws PackageError `not_installed`, `package_busy`, `remove_unfinished`. */
export async function removePackage(deps: Needed, line: InstallLine, id: string): Promise<string[]> {
  try {
    return await line.ifFree(id, () => inTurn(deps, id), 'Removing');
  } catch (thrown) {
    deps.audit.note('refusal', { what: 'package remove', package: id, reason: messageOf(thrown) });
    throw thrown;
  }
}

async function inTurn(deps: Needed, id: string): Promise<string[]> {
  const { rows, audit } = deps;
  const versions = versionsHere(rows, id);
  if (versions.length === 0) throw new PackageError('not_installed', `Removing ${id}: it is not installed`);
  audit.insist('remove', { what: 'package', package: id, versions });
  const left = await endEarlier(deps, id);
  const row = rows.get(id);
  if (row === undefined) return versions;
  rows.commit(undefined, toJournal(row, left, deps.clock.nowMs()));
  await finish(deps, id);
  return versions;
}

function versionsHere(rows: PackageRepository, id: string): string[] {
  const row = rows.get(id);
  const coming = rows.journal.get(id);
  const kept = row === undefined ? [] : keptVersions([row]);
  const all = coming === undefined ? kept : [...kept, coming.target];
  return [...new Set(all.map(({ version }) => version))];
}

/** What was stopped is given up, what was under way comes to its end. The versions that it could not tidy away. */
async function endEarlier(deps: Needed, id: string): Promise<readonly PackageVersion[]> {
  const { rows, clock } = deps;
  const row = rows.journal.get(id);
  if (row === undefined) return [];
  if (row.step === 'stopped') rows.journal.put({ ...row, step: 'undo', updatedAtMs: clock.nowMs() });
  await finish(deps, id);
  return (rows.journal.get(id)?.detail.released ?? []) as readonly PackageVersion[];
}

async function finish(deps: Needed, id: string): Promise<void> {
  try {
    await new InstallRun(deps, id).run();
  } catch (thrown) {
    const what = `Removing ${id}: something of it could not be deleted: ${messageOf(thrown)}`;
    throw new PackageError('remove_unfinished', what, { data: { id }, cause: thrown });
  }
}

/** The steps say that it is a removal: `kind` has no word for it. */
function toJournal({ id, install, current, previous }: PackageRow, left: readonly PackageVersion[], nowMs: number) {
  const released = previous === undefined ? left : [previous, ...left];
  const what = { id, install, kind: 'import', step: 'remove_agents', target: current, before: undefined } as const;
  return { ...what, detail: { released }, beganAtMs: nowMs, updatedAtMs: nowMs } satisfies PackageJournalRow;
}
