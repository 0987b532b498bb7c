/** The agents of packages at this node. Nothing is started before `apply`. */
import { PackageAgents } from './packages/agents.ts';
import { PackageFolders } from './packages/package-folders.ts';
import { runnerSetting } from './packages/runner-setting.ts';
import type { Surroundings } from './surroundings.ts';

/** Throws AgentsError `bad_runner`. */
export function openAgents(around: Surroundings, httpUrl: () => string, stack: AsyncDisposableStack): PackageAgents {
  const { config, name, home, registry, store, clock, logger } = around;
  const folders = new PackageFolders(home.folder, store);
  const folderOf = folders.folderOf.bind(folders);
  const runner = runnerSetting(registry.settings, config.agentRunner);
  const node = { home: home.folder, nodeName: name, httpUrl };
  return stack.use(new PackageAgents({ ...node, runner, packages: registry.packages, folderOf, clock, logger }));
}
