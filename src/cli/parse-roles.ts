/** `admin,gateway`, `*`, `none` → roles. Throws CliError `bad_usage`. Pure. */
import { CliError } from './errors.ts';

const ROLE = /^(\*|[a-z][a-z0-9_-]{0,31})$/;

export function parseRoles(text: string): string[] {
  if (text.trim() === 'none') return [];
  const roles = text.split(',').map((role) => role.trim());
  const wrong = roles.find((role) => !ROLE.test(role));
  if (wrong === undefined) return [...new Set(roles)];
  throw new CliError(
    'bad_usage',
    `Wanted roles like admin,gateway, * for all, or none; ${JSON.stringify(wrong)} is no role`,
  );
}
