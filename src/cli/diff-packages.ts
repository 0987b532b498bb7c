/** `package diff`. Spec: docs/spec/11-cli.md §5, 21-packages.md §11. */
import { resolve } from 'node:path';
import { formatBytes } from '../core/index.ts';
import { compareFiles, type PackageDiff } from '../packing/index.ts';
import type { Context } from './context.ts';

type Section = keyof PackageDiff['sections'];

export async function showDifference(context: Context, before: string, after: string): Promise<number> {
  const { io, out, signal } = context;
  const diff = await compareFiles(resolve(io.cwd, before), resolve(io.cwd, after), signal);
  out.answer(toDocument(diff), () => toLines(context, diff));
  return 0;
}

function toDocument({ before, after, isSame, sections, knowledge, chunks, sizes }: PackageDiff): object {
  const named = ({ id, version, path, sizeBytes }: PackageDiff['sections']['models']['added'][number]) => ({
    ...{ id, version: version ?? null, path, size_bytes: sizeBytes },
  });
  const rows = Object.entries(sections).map(([name, { added, removed, updated, sameCount }]) => [
    name,
    {
      ...{ added: added.map(named), removed: removed.map(named), same: sameCount },
      updated: updated.map(({ id, from, to }) => ({ id, from: named(from), to: named(to) })),
    },
  ]);
  return {
    ...{ same: isSame, before: toRow(before), after: toRow(after), changes: Object.fromEntries(rows) },
    knowledge: {
      ...{ chunks_added: chunks.added, chunks_removed: chunks.removed, chunks_updated: chunks.updated },
      domains: knowledge.map(({ domain, chunks: own }) => ({ domain, chunks: own ?? null })),
    },
    sizes: sizes.map(({ tier, before: one, after: other }) => ({ tier, before: one ?? null, after: other ?? null })),
  };
}

function toRow({ id, version, created, digest }: PackageDiff['before']): object {
  return { id, version, created, manifest_sha256: digest };
}

function toLines({ out }: Context, diff: PackageDiff): string[] {
  const { before, after, isSame, sections, knowledge, sizes } = diff;
  const head = `${before.id} ${before.version} -> ${after.id} ${after.version}`;
  if (isSame) return [`${head}: the same package`];
  const changed = (Object.keys(sections) as Section[]).flatMap((section) =>
    sectionLines(out, section, sections[section]),
  );
  const chunks = knowledge.flatMap(({ domain, chunks: own }) =>
    own === undefined ? [] : [`  ${domain}: ${own.added} chunks added, ${own.removed} removed, ${own.updated} updated`],
  );
  return [
    head,
    ...(changed.length === 0 ? ['nothing in it differs'] : changed),
    ...chunks,
    ...sizes.map(({ tier, before: one, after: other }) => `${tier}: ${sizeOf(one)} -> ${sizeOf(other)}`),
  ];
}

function sectionLines(
  out: Context['out'],
  section: Section,
  { added, removed, updated }: PackageDiff['sections'][Section],
): string[] {
  const name = (id: string, version: string | undefined) => (version === undefined ? id : `${id} ${version}`);
  return [
    ...added.map(
      ({ id, version, sizeBytes }) =>
        `${out.paint('green', '+')} ${section}: ${name(id, version)}, ${formatBytes(sizeBytes)}`,
    ),
    ...removed.map(({ id, version }) => `${out.paint('red', '-')} ${section}: ${name(id, version)}`),
    ...updated.map(({ id, from, to }) => {
      const versions = from.version === to.version ? '' : ` ${from.version ?? '?'} -> ${to.version ?? '?'}`;
      return `${out.paint('yellow', '~')} ${section}: ${id}${versions}, ${formatBytes(from.sizeBytes)} -> ${formatBytes(to.sizeBytes)}`;
    }),
  ];
}

function sizeOf(bytes: number | undefined): string {
  return bytes === undefined ? 'none' : formatBytes(bytes);
}
