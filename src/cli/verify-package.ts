/** `package verify`: all that is wrong with a package, and the exit code of the first of it. Spec: docs/spec/11-cli.md §2, 21-packages.md §10. */
import { resolve } from 'node:path';
import { type AtmosphereError, formatBytes } from '../core/index.ts';
import { failureOf, type Verified, verifyFile } from '../packing/index.ts';
import type { Context } from './context.ts';
import { describeFailure, reportFailure, toFailedEvent } from './failure.ts';
import { formatCount } from './format.ts';
import { showPacking } from './packing-progress.ts';

export async function verifyPackageAt(context: Context, path: string, quick: boolean): Promise<number> {
  const { io, home, out, signal, json } = context;
  const startedMs = performance.now();
  const verified = await verifyFile(resolve(io.cwd, path), {
    ...{ home, quick, signal, nowMs: Date.now() },
    onProgress: (progress) => showPacking(context, progress),
  });
  out.progress.end();
  const document = { ...toDocument(verified), duration_ms: Math.round(performance.now() - startedMs) };
  const thrown = failureOf(verified.report);
  if (thrown === undefined) {
    if (json) out.event({ event: 'completed', ...document });
    for (const line of goodLines(verified, quick)) out.line(line);
    if (!verified.isTrustKnown) out.warn('whose signature it is, nobody here knows: this home has no node');
    return 0;
  }
  const failure = describeFailure(thrown, context, adviceOf(thrown));
  if (json) out.event({ ...toFailedEvent(failure), ...document });
  const { problems } = verified.report;
  reportFailure(context, { ...failure, problems: problems.slice(1).map(({ message }) => message) });
  return failure.exitCode;
}

/** What the problem itself knows to try goes before. */
function adviceOf({ kind, data }: AtmosphereError): string | undefined {
  return kind === 'integrity' && data.try === undefined ? AGAIN : undefined;
}

const AGAIN = 'atmosphere package export PACKAGE --output DIR  # again, on the machine that it came from';

function toDocument({ report, isTrustKnown }: Verified): object {
  const { name, isGood, problems, problemCount, package: about, isDifference, tiers, signer, custody } = report;
  return {
    ...{
      path: name,
      good: isGood,
      id: about?.id ?? null,
      version: about?.version ?? null,
      manifest_sha256: about?.digest ?? null,
    },
    ...{ difference: isDifference, tiers, trusted: isTrustKnown ? signer !== undefined : null },
    signer:
      signer === undefined
        ? null
        : { mesh_id: signer.meshId, signer: signer.signer, name: signer.name ?? null, role: signer.role ?? null },
    ...{
      files: report.fileCount,
      size_bytes: report.sizeBytes,
      hashed_bytes: report.hashedBytes,
      custody: custody.length,
    },
    problems: problems.map(({ code, message, path }) => ({ code, message, path: path ?? null })),
    problem_count: problemCount,
  };
}

function goodLines({ report }: Verified, quick: boolean): string[] {
  const { package: about, fileCount, hashedBytes, tiers, signer, custody, isDifference } = report;
  const read = quick ? 'papers and sizes' : `${formatBytes(hashedBytes)} read`;
  const who = signer?.name ?? signer?.meshId ?? 'nobody known';
  return [
    `good: ${about?.id} ${about?.version}${isDifference ? ' (a difference)' : ''}, ${formatCount(fileCount, 'file')}, ${read}`,
    `  ${tiers.join(' ')} whole; signed by ${who}; ${formatCount(custody.length, 'line')} of custody`,
  ];
}
