/** `package inspect`: by the package’s papers alone. Spec: docs/spec/11-cli.md §5, 21-packages.md §15. */
import { resolve } from 'node:path';
import { formatBytes } from '../core/index.ts';
import { type Inspected, lookInto, writeSignedBytes } from '../packing/index.ts';
import type { Context } from './context.ts';
import { formatCount, formatDigest } from './format.ts';
import { type Column, layoutPairs } from './table.ts';

type Inspection = Inspected['inspection'];

const COLUMNS: readonly Column[] = [
  { title: 'KIND' },
  { title: 'NAME', shrinks: true },
  { title: 'VERSION' },
  { title: 'SIZE', align: 'right' },
  { title: 'TIERS' },
  { title: 'HERE' },
];

export async function showPackage(context: Context, path: string, signedBytes: string | undefined): Promise<number> {
  const { io, home, out } = context;
  const looked = await lookInto(resolve(io.cwd, path), { home, nowMs: Date.now() });
  const folder = signedBytes === undefined ? undefined : resolve(io.cwd, signedBytes);
  const files = folder === undefined ? [] : await writeSignedBytes(looked.inspection, folder);
  out.answer(toDocument(looked, files), () => toLines(context, looked));
  for (const file of files) out.note(`written: ${file}`);
  if (folder !== undefined)
    out.note(
      `to check it: openssl pkeyutl -verify -pubin -inkey ${folder}/mesh.pem -rawin -in ${folder}/signed-bytes -sigfile ${folder}/mesh.sig`,
    );
  return 0;
}

function toDocument({ inspection, isTrustKnown }: Inspected, files: readonly string[]): object {
  const { name, about, digest, manifest, delta, tiers, items, signature, custody, custodyRefusal } = inspection;
  return {
    ...{
      path: name,
      size_bytes: inspection.sizeBytes,
      files: inspection.fileCount,
      package: about,
      manifest_sha256: digest,
    },
    tiers: tiers.map((one) => ({
      ...{ tier: one.tier, size_bytes: one.sizeBytes, members: one.memberCount },
      ...{ bytes_here: one.bytesHere, complete: one.isComplete },
    })),
    items: items.map(({ section, path, id, version, sizeBytes, hash, fileCount, chunks, tiers: own, how }) => ({
      ...{ section, path, id, version: version ?? null, size_bytes: sizeBytes, sha256: hash, files: fileCount },
      ...{ chunks: chunks ?? null, tiers: own, how },
    })),
    signature: {
      ...{ holds: signature.holds, trusted: isTrustKnown ? signature.signer !== undefined : null },
      ...{ mesh_id: signature.said.mesh_id ?? null, signer: signature.said.mesh_signer ?? null },
      ...{ name: signature.signer?.name ?? null, role: signature.signer?.role ?? null },
      ...{ founder: signature.said.founder_key ?? null, refusal: signature.refusal ?? null },
    },
    custody,
    ...{ custody_refusal: custodyRefusal ?? null, difference: delta?.delta ?? null, manifest, signed_bytes: files },
  };
}

function toLines({ out }: Context, looked: Inspected): string[] {
  const { about, digest, delta, tiers, items, custody, custodyRefusal, fileCount, sizeBytes } = looked.inspection;
  const pairs: [string, string][] = [
    ['package', `${about.id} ${about.version}`],
    ...(about.description === undefined ? [] : [['about', about.description] as [string, string]]),
    ['made', `${about.created} by ${about.created_by}`],
    ['here', `${formatBytes(sizeBytes)}, ${formatCount(fileCount, 'file')}`],
    ['digest', formatDigest(digest)],
    ['signed', signatureWords(looked)],
    ...(delta === undefined ? [] : [['difference', differenceWords(delta)] as [string, string]]),
    ...tiers.map((one): [string, string] => [
      one.tier,
      `${formatBytes(one.sizeBytes)} (${one.sizeBytes} bytes), ${formatCount(one.memberCount, 'file')}${one.isComplete ? '' : ', not whole here'}`,
    ]),
  ];
  const rows = items.map(({ section, id, version = '-', sizeBytes: size, tiers: own, how }) => [
    ...[section, id, version, formatBytes(size), own.map((tier) => tier.replace('tier_', '')).join(' '), how],
  ]);
  return [
    ...layoutPairs(pairs),
    '',
    ...out.table(COLUMNS, rows),
    '',
    ...(custodyRefusal === undefined ? custody.map(custodyLine) : [`custody: ${custodyRefusal.message}`]),
  ];
}

function signatureWords({ inspection: { signature }, isTrustKnown }: Inspected): string {
  const { holds, signer, refusal, said } = signature;
  if (refusal !== undefined) return `not trusted here: ${refusal.message}`;
  if (!holds) return 'the signature does not hold';
  const who =
    signer?.name === undefined
      ? `the authority of ${said.mesh_id}`
      : `${signer.name}, ${signer.role}, of ${said.mesh_id}`;
  const founder = said.founder_key === undefined ? '' : `, and by the founder ${said.founder_key}`;
  return isTrustKnown ? `by ${who}${founder}` : `the signature holds; whose it is nobody here knows (${said.mesh_id})`;
}

function differenceWords({ delta, members }: NonNullable<Inspection['delta']>): string {
  const count = (how: string) => members.filter((member) => member.how === how).length;
  const base = delta.base_version === undefined ? 'what a site has' : `version ${delta.base_version}`;
  return `to ${base}: ${count('held')} files stay there, ${count('difference')} differences, ${count('full')} whole`;
}

function custodyLine({ at, action, by, to, standing }: Inspection['custody'][number]): string {
  return `${at}  ${action.padEnd(8)}  by ${by.name}${to === undefined ? '' : ` to ${to}`}  (${standing})`;
}
