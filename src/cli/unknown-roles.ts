/** Roles that are said and that no node has: allowed, for nodes may come, and told, for it may be a slip. */
import type { Context } from './context.ts';

const USUAL: readonly string[] = ['admin', 'publisher', 'gateway', 'edge', 'member', '*'];

/** Asks nothing where all are usual ones. What is done is done: nothing here makes the command fail. */
export async function warnOfUnknownRoles(context: Context, said: readonly string[]): Promise<void> {
  const rare = [...new Set(said)].filter((role) => !USUAL.includes(role));
  if (rare.length === 0) return;
  const roles = await rolesOf(context).catch(() => undefined);
  if (roles === undefined) return;
  for (const role of rare)
    if (!roles.includes(role)) context.out.warn(`no node has the role ${role}; there is ${roles.join(', ')}`);
}

async function rolesOf(context: Context): Promise<readonly string[]> {
  const { nodes } = await context.call('meshNodes');
  return [...new Set(nodes.flatMap(({ role }) => role ?? []))];
}
