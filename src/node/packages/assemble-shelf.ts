/** A shelf over the store, the library and the folders of a home. */
import { Emitter } from '../../core/index.ts';
import { ConfigFolder } from './config-folder.ts';
import type { ImportPorts } from './import-ports.ts';
import type { InstallPorts } from './install-ports.ts';
import { PackageContent } from './package-content.ts';
import { PackageFolders } from './package-folders.ts';
import { PackageModels, type PackageModelsDeps } from './package-models.ts';
import { PackageShelf } from './package-shelf.ts';

type Given =
  | 'rows'
  | 'judge'
  | 'tier'
  | 'custody'
  | 'gate'
  | 'audit'
  | 'store'
  | 'pieceLists'
  | 'freeBytes'
  | 'clock'
  | 'logger';

export interface ShelfDeps
  extends Pick<ImportPorts, Given>,
    Pick<PackageModelsDeps, 'library' | 'keepManifest' | 'isWanted'> {
  readonly home: string;
  /** The agents of all packages in force run, and no others. */
  readonly startAgents: () => Promise<void>;
  /** For tests: what stands between an install and the node. */
  readonly wrap?: (ports: InstallPorts) => InstallPorts;
}

export function assembleShelf(deps: ShelfDeps): PackageShelf {
  const { home, store, logger, startAgents, wrap = (ports) => ports } = deps;
  const content = new PackageContent(deps);
  const models = new PackageModels(deps);
  const folders = new PackageFolders(home, store);
  const config = new ConfigFolder(home, store);
  const changes = new Emitter<void>((thrown) => logger.error({ err: thrown }, 'a listener to packages failed'));
  const afterwards = { announce: async () => changes.emit(), startAgents };
  const ports = wrap({ content, models, folders, config, afterwards });
  return new PackageShelf({ ...deps, ports, content, models, folders, config, changes });
}
