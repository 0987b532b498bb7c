/** What `package remove` takes away: a package with its versions, or parts that wait for others. Spec: docs/spec/21-packages.md §8. */
import type { AnswerOf } from '../../api/index.ts';
import { PackageError } from '../packages/errors.ts';
import { nearestNames } from './nearest-names.ts';
import type { NodeParts } from './parts.ts';

export interface RemovalOrder {
  /** A package, or parts as `package list` names them. */
  readonly id: string;
  /** The parts, though a package is called so, too. */
  readonly waiting: boolean;
}

/** Throws PackageError `not_installed`, `package_busy`, `remove_unfinished`. */
export async function removePackageOrParts(
  parts: NodeParts,
  { id, waiting }: RemovalOrder,
): Promise<AnswerOf<'packageRemove'>> {
  const { packages, audit } = parts;
  const known = [...packages.list(), ...packages.underWay()].map((row) => row.id);
  if (!waiting && known.includes(id)) {
    const { versions, configFolder = null } = await packages.remove(id);
    return { id, versions: [...versions], parts: 0, config: configFolder };
  }
  const inbox = await parts.partsInbox();
  const inboxed = (await inbox.status()).packages;
  const named = inboxed.filter(({ packageName }) => packageName === id);
  const names = inboxed.map(({ packageName }) => packageName);
  if (named.length === 0) throw unknownName(id, waiting ? names : [...known, ...names]);
  const here = named.flatMap((one) => one.parts.filter(({ state }) => state === 'here'));
  audit.insist('remove', { what: 'package parts', package: id, parts: here.length });
  for (const one of named) await inbox.discard(one.id);
  return { id, versions: [], parts: here.length, config: null };
}

function unknownName(id: string, known: readonly string[]): PackageError {
  const what = `Removing ${id}: neither a package nor parts that wait are called so; ${nearestNames(id, known)}`;
  return new PackageError('not_installed', what);
}
