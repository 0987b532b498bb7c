/**
 * What packages, their files and the files in them are called. Ids and versions become folders, so that they are safe on every
 * system and are never the name of something else in there. Spec: docs/spec/21-packages.md §1. Pure.
 */
import { z } from 'zod';
import { ProtocolError } from '../errors.ts';
import { PROTOCOL_LIMITS } from '../limits.ts';
import { isRelativePath } from '../names.ts';
import { compareTiers, type PackageTier } from './tier.ts';

/** The files of a package that are no members. */
export const PACKAGE_FILES = {
  manifest: 'manifest.yaml',
  checksums: 'checksums.sha256',
  custody: 'custody.jsonl',
  delta: 'delta.yaml',
} as const;

/** The folders of a package, and the lists of its contents, in their order. */
export const PACKAGE_SECTIONS = ['config', 'models', 'agents', 'tools', 'knowledge'] as const;
export type PackageSection = (typeof PACKAGE_SECTIONS)[number];

export const PACKAGE_EXTENSION = '.atmo';

const ID = /^[a-z0-9][a-z0-9._-]*$/;
const VERSION = /^[A-Za-z0-9][A-Za-z0-9._+-]*$/;
/** Folders beside those of packages, and the link beside those of versions. */
const TAKEN_IDS: readonly string[] = ['incoming'];
const TAKEN_VERSIONS: readonly string[] = ['current'];

export function isPackageId(text: string): boolean {
  return ID.test(text) && text.length <= PROTOCOL_LIMITS.packageIdChars && isFree(text, TAKEN_IDS);
}

export function isPackageVersion(text: string): boolean {
  return (
    VERSION.test(text) && text.length <= PROTOCOL_LIMITS.versionChars && isFree(text.toLowerCase(), TAKEN_VERSIONS)
  );
}

export const packageIdSchema = z
  .string()
  .refine(isPackageId, 'a package id has small letters, digits and . _ - and begins with a letter or digit');

export const packageVersionSchema = z
  .string()
  .refine(isPackageVersion, 'a package version has letters, digits and . _ + - and begins with a letter or digit');

/** Throws ProtocolError `unsafe_name`. */
export function parsePackageId(text: string): string {
  if (isPackageId(text)) return text;
  throw unsafe('package id', text, 'it has small letters, digits and . _ - and begins with a letter or digit');
}

/** Throws ProtocolError `unsafe_name`. */
export function parsePackageVersion(text: string): string {
  if (isPackageVersion(text)) return text;
  throw unsafe('package version', text, 'it has letters, digits and . _ + - and begins with a letter or digit');
}

export interface PackageNaming {
  readonly id: string;
  readonly version: string;
  /** Those of an export of a part; none for all. */
  readonly tiers?: readonly PackageTier[];
  /** The version that a difference package builds on. */
  readonly base?: string;
}

/** `production-inspection-v1.3-tier1-from-1.2`: of a folder; of a file with `.atmo` behind it. */
export function packageName({ id, version, tiers = [], base }: PackageNaming): string {
  const sizes = tiers.toSorted(compareTiers).map((tier) => `-${tier.replace('_', '')}`);
  return `${id}-v${version}${sizes.join('')}${base === undefined ? '' : `-from-${base}`}`;
}

/**
 * What a person may mean by `production-inspection-1.3` or `…-v1.3`: the whole as an id first, then each way to cut an id and a
 * version. Which of them there is, the caller knows.
 */
export function readPackageRef(text: string): { readonly id: string; readonly version?: string }[] {
  const cuts = [...text.matchAll(/[-@]v?/g)].map(({ index, 0: cut }) => ({
    id: text.slice(0, index),
    version: text.slice(index + cut.length),
  }));
  const whole = isPackageId(text) ? [{ id: text }] : [];
  return [...whole, ...cuts.filter(({ id, version }) => isPackageId(id) && isPackageVersion(version))];
}

function isFree(text: string, taken: readonly string[]): boolean {
  return isRelativePath(text) && !taken.includes(text);
}

function unsafe(what: string, text: string, wanted: string): ProtocolError {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return new ProtocolError('unsafe_name', `Reading a ${what}: ${JSON.stringify(shown)} is refused: ${wanted}`, {
    data: { what },
  });
}
