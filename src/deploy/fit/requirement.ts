/**
 * Python requirements of a manifest: `name[extra]>=1.0,<2; python_version >= "3.9"` (PEP 508, names with versions and simple
 * markers). Spec: docs/spec/17-deployment.md §2.3. Pure; the text comes from whoever signed the manifest, and is bounded there.
 */
import { comparePythonVersions, hasReleasePrefix, type PythonVersion, readPythonVersion } from './python-version.ts';

export interface Requirement {
  /** As it was written. */
  readonly text: string;
  /** Normalized: lower case, `-` for `_` and `.`. */
  readonly name: string;
  readonly clauses: readonly VersionClause[];
  readonly markers: readonly Marker[];
  /** A marker that is not understood; the requirement is then asked for, and the fit is not certain. */
  readonly unknownMarker: string | undefined;
}

interface VersionClause {
  readonly operator: string;
  readonly operand: string;
}

interface Marker extends VersionClause {
  readonly variable: string;
}

/** What a marker is decided by. */
export interface MarkerFacts {
  readonly pythonVersion: string | undefined;
  /** The kernel's name. */
  readonly architecture: string;
}

const NAME = /^\s*([a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)\s*(\[[a-z0-9._,\s-]*\])?\s*/i;
const CLAUSE = /^(===|~=|==|!=|<=|>=|<|>)\s*([a-z0-9.!+_-]+(?:\.\*)?)$/i;
const MARKER = /^(python_version|python_full_version|platform_machine)\s*(===|~=|==|!=|<=|>=|<|>)\s*(["'])([^"']*)\3$/;

/** Undefined for what is no such requirement: a URL, a path, an option, a text with no name. */
export function readRequirement(text: string): Requirement | undefined {
  const [before = '', marker, ...more] = text.split(';');
  const named = NAME.exec(before);
  if (named === null || more.length > 0) return undefined;
  const clauses = readClauses(before.slice(named[0].length));
  if (clauses === undefined) return undefined;
  const markers = readMarkers(marker);
  return {
    text: text.trim(),
    name: toPackageName(named[1] ?? ''),
    clauses,
    markers: markers ?? [],
    unknownMarker: markers === undefined ? marker?.trim() : undefined,
  };
}

function readClauses(text: string): VersionClause[] | undefined {
  const bare = text.trim().replace(/^\((.*)\)$/, '$1');
  if (bare === '') return [];
  const clauses = bare.split(',').map((part) => CLAUSE.exec(part.trim()));
  if (clauses.some((clause) => clause === null || !isOperandRead(clause[1] ?? '', clause[2] ?? ''))) return undefined;
  return clauses.map((clause) => ({ operator: clause?.[1] ?? '', operand: clause?.[2] ?? '' }));
}

function isOperandRead(operator: string, operand: string): boolean {
  if (operator === '===') return true;
  const isPrefix = operand.endsWith('.*');
  if (isPrefix && operator !== '==' && operator !== '!=') return false;
  return readPythonVersion(isPrefix ? operand.slice(0, -2) : operand) !== undefined;
}

/** Comparisons joined by `and`; undefined where there is anything else. */
function readMarkers(text: string | undefined): Marker[] | undefined {
  if (text === undefined || text.trim() === '') return [];
  const markers = text.split(/\s+and\s+/).map((part) => MARKER.exec(part.trim()));
  if (markers.some((marker) => marker === null)) return undefined;
  return markers.map((marker) => ({
    variable: marker?.[1] ?? '',
    operator: marker?.[2] ?? '',
    operand: marker?.[4] ?? '',
  }));
}

/** Whether the requirement is for such a node at all. */
export function isAskedFor(requirement: Requirement, facts: MarkerFacts): boolean {
  return requirement.markers.every(({ variable, operator, operand }) => {
    if (variable === 'platform_machine') return (facts.architecture === operand) === (operator === '==');
    if (facts.pythonVersion === undefined) return true;
    const shown = variable === 'python_version' ? twoFields(facts.pythonVersion) : facts.pythonVersion;
    return isSatisfied([{ operator, operand }], shown);
  });
}

/** `python_version` has two fields, whatever the patch. */
function twoFields(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

/** Whether a version keeps to all clauses; one that is no version of Python's kind keeps to none. */
export function isSatisfied(clauses: readonly VersionClause[], version: string): boolean {
  const installed = readPythonVersion(version);
  return clauses.every((clause) => {
    if (clause.operator === '===') return clause.operand === version;
    return installed !== undefined && holds(clause, installed);
  });
}

function holds({ operator, operand }: VersionClause, version: PythonVersion): boolean {
  if (operand.endsWith('.*')) {
    const prefix = readPythonVersion(operand.slice(0, -2));
    return prefix !== undefined && hasReleasePrefix(version, prefix.release) === (operator === '==');
  }
  const wanted = readPythonVersion(operand);
  if (wanted === undefined) return false;
  const order = comparePythonVersions(version, wanted);
  if (operator === '~=') return order >= 0 && hasReleasePrefix(version, wanted.release.slice(0, -1));
  return COMPARISONS[operator]?.(order) ?? false;
}

const COMPARISONS: Readonly<Record<string, (order: number) => boolean>> = {
  '==': (order) => order === 0,
  '!=': (order) => order !== 0,
  '<=': (order) => order <= 0,
  '>=': (order) => order >= 0,
  '<': (order) => order < 0,
  '>': (order) => order > 0,
};

/** `Scikit_Learn` is `scikit-learn`. */
export function toPackageName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-');
}
