/** What goes before what. Spec: docs/spec/10-transfer.md §11. */
export const PRIORITIES = ['critical', 'high', 'normal', 'low'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** 0 goes first. */
export function rankOf(priority: Priority): number {
  return PRIORITIES.indexOf(priority);
}
