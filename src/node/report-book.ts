/** What others say of peers: one report a reporter and subject, of one reporter no more than it may have. */
import type { NodeId } from '../core/index.ts';
import type { PeerReport } from '../registry/index.ts';
import { REGISTRY_LIMITS } from '../registry/index.ts';

export class ReportBook {
  readonly #bySubject = new Map<NodeId, Map<NodeId, PeerReport>>();
  readonly #counts = new Map<NodeId, number>();

  on(subject: NodeId): PeerReport[] {
    return [...(this.#bySubject.get(subject)?.values() ?? [])];
  }

  put(subject: NodeId, report: PeerReport): void {
    const reports = this.#bySubject.get(subject) ?? new Map<NodeId, PeerReport>();
    const { reporter } = report;
    const count = this.#counts.get(reporter) ?? 0;
    if (!reports.has(reporter)) {
      if (count >= REGISTRY_LIMITS.reportsPerReporter) return;
      this.#counts.set(reporter, count + 1);
    }
    reports.set(reporter, report);
    this.#bySubject.set(subject, reports);
  }

  drop(subject: NodeId, reporter: NodeId): void {
    const reports = this.#bySubject.get(subject);
    if (reports?.delete(reporter) !== true) return;
    if (reports.size === 0) this.#bySubject.delete(subject);
    const left = (this.#counts.get(reporter) ?? 0) - 1;
    if (left > 0) this.#counts.set(reporter, left);
    else this.#counts.delete(reporter);
  }

  clear(): void {
    this.#bySubject.clear();
    this.#counts.clear();
  }
}
