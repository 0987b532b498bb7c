/** Types of setup.mjs for the TypeScript that calls it. */
export const ROOT: string;
export function setUp(options?: { build?: boolean }): string;
export function ensureDebian(packages: readonly { command: string; name: string }[]): string[];
export class SetupError extends Error {}
