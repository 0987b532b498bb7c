/**
 * All pickles of a stretch of bytes: one after the other from its beginning, and those that begin later, behind junk or raw
 * data. Spec: docs/spec/07-formats.md §5.4.
 */
import type { HeaderSource } from './header-source.ts';
import { FORMATS_LIMITS } from './limits.ts';
import { PickleFindings } from './pickle-report.ts';
import { type PickleBudget, walkPickle } from './pickle-walk.ts';
import { readHead } from './source-window.ts';

/** What is listed of one file: its findings, and what work is left for it. */
export interface Listing {
  readonly findings: PickleFindings;
  readonly budget: PickleBudget;
}

const OVERLAP_BYTES = 256;
/** PROTO and an opcode that can follow it; GLOBAL or INST with their lines; two short texts and STACK_GLOBAL. */
const BEGINNINGS =
  /\x80[^ -\xff][(\]}cX\x8c\x95\x8a\x80K]|[ci][A-Za-z_][\w.]{0,80}\n[A-Za-z_][\w.]{0,80}\n|\x8c[\s\S][A-Za-z_][\w.]{0,80}\x94?\x8c[\s\S][A-Za-z_][\w.]{0,80}\x94?\x93/g;
const PLAIN = /^[\p{L}_][\p{L}\p{N}_.]*$/u;

export function newListing(): Listing {
  const findings = newFindings();
  return { findings, budget: { opcodes: FORMATS_LIMITS.pickleOpcodes } };
}

/** Goes on behind each STOP as long as pickles follow, then looks through the rest. */
export async function listPickles(source: HeaderSource, { findings, budget }: Listing): Promise<void> {
  const first = await walkPickle(source, 0, findings, budget);
  if (first.reachedStop) findings.pickles += 1;
  if (first.isBounded) return;
  let at = first.reachedStop ? first.position : 0;
  for (let count = 1; first.reachedStop && at < source.sizeBytes; count += 1) {
    if (count >= FORMATS_LIMITS.picklesPerFile) return findings.fault(`more than ${count} pickles in a row`);
    const own = newFindings();
    const end = await walkPickle(source, at, own, budget);
    if (!end.reachedStop) break;
    merge(own, findings);
    findings.pickles += 1;
    at = end.position;
  }
  if (at < source.sizeBytes) await scanForPickles(source, at, { findings, budget: scanBudget(budget) });
}

/** Raw data may look like the beginning of a pickle again and again. */
function scanBudget({ opcodes }: PickleBudget): PickleBudget {
  return { opcodes: Math.min(opcodes, FORMATS_LIMITS.pickleScanOpcodes) };
}

/** Would a loader that takes this for a pickle import anything? Then what the rest of it looks like does not matter. */
export async function importsFromTheStart(source: HeaderSource, { findings, budget }: Listing): Promise<boolean> {
  const own = newFindings();
  await walkPickle(source, 0, own, budget);
  if (!hasPlainImport(own)) return false;
  merge(own, findings);
  return true;
}

/** Places that look like the beginning of a pickle and import something when walked. */
async function scanForPickles(source: HeaderSource, from: number, listing: Listing): Promise<void> {
  const { findings, budget } = listing;
  const end = Math.min(source.sizeBytes, from + FORMATS_LIMITS.pickleScanBytes);
  const tried = { count: 0 };
  for (let at = from; at < end; at += FORMATS_LIMITS.windowBytes) {
    const bytes = await readHead(source, Math.min(FORMATS_LIMITS.windowBytes + OVERLAP_BYTES, end - at), at);
    for (const { index } of bytes.toString('latin1').matchAll(BEGINNINGS)) {
      tried.count += 1;
      if (budget.opcodes <= 0) return findings.fault('too much that looks like pickles was not looked through');
      if (tried.count > FORMATS_LIMITS.pickleScanHits)
        return findings.fault(`more than ${FORMATS_LIMITS.pickleScanHits} places that may begin a pickle`);
      await tryAt(source, at + index, listing);
    }
  }
  if (end < source.sizeBytes)
    findings.fault(`${source.sizeBytes - end} bytes behind the pickle were not looked through`);
}

async function tryAt(source: HeaderSource, position: number, { findings, budget }: Listing): Promise<void> {
  const own = newFindings();
  const { reachedStop } = await walkPickle(source, position, own, budget);
  if (!hasPlainImport(own)) return;
  merge(own, findings);
  if (reachedStop) findings.pickles += 1;
}

/** By chance, raw data gives no name that could be imported. */
function hasPlainImport(findings: PickleFindings): boolean {
  return findings.report().imports.some(({ module, name }) => PLAIN.test(module) && PLAIN.test(name));
}

function merge(from: PickleFindings, into: PickleFindings): void {
  const { imports, faults } = from.report();
  for (const one of imports) {
    const kept = into.add(one);
    kept.called ||= one.called;
  }
  for (const fault of faults) into.fault(fault);
}

function newFindings(): PickleFindings {
  return new PickleFindings({ imports: FORMATS_LIMITS.pickleImports, faults: FORMATS_LIMITS.pickleFaults });
}
