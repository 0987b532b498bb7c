/** What the inventory needs of a place where models lie. Spec: docs/spec/08-inventory.md §3–§6. */
import type { InventoryError } from './errors.ts';
import type { FoundModel } from './found-model.ts';

export interface ScanContext {
  readonly signal: AbortSignal;
  /** Called with every folder before it is read, so that a watch on it misses nothing. */
  onFolder(path: string): void;
  /** Something could not be read or was refused; the scan goes on. */
  report(problem: InventoryError): void;
}

export interface Scanner {
  /** For people and logs: `huggingface`, `ollama`, … */
  readonly name: string;
  readonly root: string;
  /** Streams what is found. A root that does not exist has no models; one that cannot be read throws `unreadable`. */
  scan(context: ScanContext): AsyncIterable<FoundModel>;
}
