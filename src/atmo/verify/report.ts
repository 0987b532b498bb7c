/** What was found out about a package, for people and for programs. Spec: docs/spec/21-packages.md §10. */
import type { Sha256 } from '../../core/index.ts';
import type { PackageTier } from '../../protocol/index.ts';
import type { CustodyStep } from '../custody/verify-custody.ts';
import { AtmoError, type AtmoErrorCode } from '../errors.ts';
import { ATMO_LIMITS } from '../limits.ts';
import type { PackageSigner } from './package-trust.ts';

export interface PackageProblem {
  readonly code: AtmoErrorCode;
  readonly message: string;
  /** The file that it is about. */
  readonly path?: string;
  /** What the error has beside its words. */
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface PackageReport {
  readonly name: string;
  readonly isGood: boolean;
  /** In the order in which they were found, at most `packageProblems`. */
  readonly problems: readonly PackageProblem[];
  /** How many there were. */
  readonly problemCount: number;
  /** Unless the manifest could not be read. */
  readonly package: { readonly id: string; readonly version: string; readonly digest: Sha256 } | undefined;
  readonly isDifference: boolean;
  /** Tiers of which everything is there. */
  readonly tiers: readonly PackageTier[];
  readonly signer: PackageSigner | undefined;
  readonly custody: readonly CustodyStep[];
  readonly fileCount: number;
  readonly sizeBytes: number;
  /** 0 after a quick check. */
  readonly hashedBytes: number;
}

/** Takes problems down, and forgets those beyond the limit but their number. */
export class ProblemList {
  readonly kept: PackageProblem[] = [];
  count = 0;

  add(code: AtmoErrorCode, message: string, about: Pick<PackageProblem, 'path' | 'data'> = {}): void {
    this.count += 1;
    if (this.kept.length < ATMO_LIMITS.packageProblems) this.kept.push({ code, message, ...about });
  }

  /** What is no fault of the package goes on being thrown. */
  catch(thrown: unknown, about: Pick<PackageProblem, 'path'> = {}): void {
    if (!(thrown instanceof AtmoError) || NOT_OF_PACKAGE.has(thrown.code)) throw thrown;
    this.add(thrown.code, thrown.message, { ...about, data: thrown.data });
  }
}

/** The medium, or whoever asked. */
const NOT_OF_PACKAGE: ReadonlySet<AtmoErrorCode> = new Set(['unreadable', 'cancelled', 'changed']);

/** Throws the report's first problem, with all of them in `data.problems`. */
export function assertGood({ problems, problemCount, name }: PackageReport): void {
  const [first] = problems;
  if (first === undefined) return;
  const more = problemCount > 1 ? ` (and ${problemCount - 1} more)` : '';
  throw new AtmoError(first.code, `Checking ${name}: ${first.message}${more}`, {
    data: { ...first.data, ...(first.path === undefined ? {} : { path: first.path }), problems, problemCount },
  });
}
