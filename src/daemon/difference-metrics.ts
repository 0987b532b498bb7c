/** Differences on the port's `/metrics`. Spec: docs/spec/22-differences.md §7.7. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { OpenNode } from '../node/index.ts';

type Differences = NonNullable<OpenNode['parts']['differences']>;

/** Read when asked for. */
export function exportDifferenceMetrics(registry: Registry, differences: Differences | undefined): void {
  if (differences === undefined) return;
  const { counts, shelf } = differences;
  const registers = [registry];
  const counter = (name: string, help: string, read: () => number): void => {
    const collect = (): void => {
      made.reset();
      made.inc(read());
    };
    const made: Counter = new Counter({ name, help, registers, collect });
  };
  const gauge = (name: string, help: string, read: () => number): void => {
    const made: Gauge = new Gauge({ name, help, registers, collect: () => made.set(read()) });
  };
  counter('atmosphere_differences_made_total', 'Differences made for others', () => counts.made);
  counter('atmosphere_differences_made_bytes_total', 'Their bytes', () => counts.madeBytes);
  counter('atmosphere_differences_in_vain_total', 'Made and not worth it, or failed', () => counts.makeFailed);
  counter(
    'atmosphere_differences_refused_total',
    'Not made: the line was full, or a peer had its share',
    () => counts.refused,
  );
  counter('atmosphere_differences_applied_total', 'Files that came as a difference', () => counts.applied);
  counter('atmosphere_differences_fetched_bytes_total', 'What of them travelled', () => counts.fetchedBytes);
  counter('atmosphere_differences_saved_bytes_total', 'What of them did not have to', () => counts.savedBytes);
  gauge('atmosphere_differences_kept', 'Differences kept', () => shelf.list().length);
  gauge('atmosphere_differences_kept_bytes', 'Their bytes', () => shelf.totalBytes);
  gauge('atmosphere_differences_waiting', 'Being made, or waiting for that', () => differences.waiting());
  const whole: Counter<'reason'> = new Counter({
    name: 'atmosphere_differences_whole_total',
    help: 'Files that came whole after a difference was asked for, by reason',
    labelNames: ['reason'],
    registers,
    collect() {
      whole.reset();
      for (const [reason, count] of counts.ends()) whole.inc({ reason }, count);
    },
  });
}
