/** What an agent finds in its environment: what every program needs, and what it is; nothing of the daemon's own. Spec: docs/spec/23-agents.md §2. Pure. */
import { OWNER_VARIABLE } from './run-notes.ts';
import type { WantedAgent } from './wanted-agent.ts';

const KEPT = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'SystemRoot'] as const;

interface Whose {
  readonly owner: string;
  readonly facts: () => Readonly<Record<string, string>>;
}

export function agentEnvironment(agent: WantedAgent, { owner, facts }: Whose): NodeJS.ProcessEnv {
  const kept = KEPT.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(kept),
    ...facts(),
    ATMOSPHERE_PACKAGE: agent.packageId,
    ATMOSPHERE_PACKAGE_VERSION: agent.packageVersion,
    ATMOSPHERE_PACKAGE_FOLDER: agent.folder,
    ATMOSPHERE_AGENT: agent.id,
    ATMOSPHERE_AGENT_VERSION: agent.version,
    [OWNER_VARIABLE]: owner,
  };
}
