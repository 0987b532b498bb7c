/**
 * The format gate: may a model whose files were looked at be loaded here? Pure. What is known to be safe passes whoever made it;
 * what would run code passes only if whoever signed it may ship code, and this node takes any; what is damaged, or two things at
 * once, never does. Spec: docs/spec/17-deployment.md §8.
 */
import type { Refusal } from './types.ts';

/** One file, by content (docs/spec/07-formats.md §9). */
export interface GateFile {
  readonly path: string;
  readonly isSafe: boolean;
  readonly reasons: readonly { readonly code: string; readonly message: string }[];
  readonly imports: readonly GateImport[];
  /** Why the imports may not be all; empty when they are. */
  readonly faults: readonly string[];
}

export interface GateImport {
  readonly module: string;
  readonly name: string;
  readonly called: boolean;
  readonly verdict: 'dangerous' | 'known' | 'unknown';
}

export interface GateQuestion {
  readonly files: readonly GateFile[];
  /** May the one who vouches for the model ship formats that run code? By the access policy. */
  readonly signerMayShipCode: boolean;
  /** Does this node's owner take such formats at all? */
  readonly nodeAllowsCode: boolean;
}

/** No right opens these. */
const NEVER: ReadonlyMap<string, string> = new Map([
  ['damaged', 'format_damaged'],
  ['polyglot', 'format_polyglot'],
]);
const FILES_TOLD = 5;
const IMPORTS_TOLD = 8;

/** Every reason against loading it; none is yes. */
export function planGate({ files, signerMayShipCode, nodeAllowsCode }: GateQuestion): readonly Refusal[] {
  const unsafe = files.filter((file) => !file.isSafe);
  if (unsafe.length === 0 && files.length > 0) return [];
  if (files.length === 0) return [{ code: 'format_damaged', message: 'there is no file to be looked at' }];
  const refusals: Refusal[] = [];
  for (const file of unsafe.slice(0, FILES_TOLD))
    for (const { code, message } of file.reasons) {
      const never = NEVER.get(code);
      if (never !== undefined) refusals.push({ code: never, message: `${file.path}: ${message}` });
    }
  const why = unsafe.slice(0, FILES_TOLD).map(describe).join(' · ');
  if (!signerMayShipCode)
    refusals.push({ code: 'code_not_permitted', message: `whoever signed it may not ship code (ship_code): ${why}` });
  if (!nodeAllowsCode)
    refusals.push({
      code: 'code_not_allowed_here',
      message: `this node loads no formats that run code${signerMayShipCode ? `: ${why}` : ''}`,
    });
  return refusals;
}

/** A file in a line: why it is not safe, what it imports, the worst first, and whether that is all. */
function describe({ path, reasons, imports, faults }: GateFile): string {
  const worstFirst = imports.toSorted((a, b) => rank(a) - rank(b));
  const told = worstFirst.slice(0, IMPORTS_TOLD).map(({ module, name, verdict, called }) => {
    return `${module}.${name} (${verdict}${called ? ', called' : ''})`;
  });
  const more = imports.length - told.length;
  const parts = [reasons.map(({ message }) => message).join(', ')];
  if (told.length > 0) parts.push(`imports ${told.join(', ')}${more > 0 ? ` and ${more} more` : ''}`);
  if (faults.length > 0) parts.push(`and not everything could be listed: ${faults[0]}`);
  return `${path}: ${parts.join('; ')}`;
}

function rank({ verdict }: GateImport): number {
  return ['dangerous', 'unknown', 'known'].indexOf(verdict);
}
