/** What this machine has: library, inventory of the places where models lie, and what is served of it. */
import {
  FolderScanner,
  HuggingFaceScanner,
  huggingFaceCacheFolder,
  Inventory,
  llamaFarmFolder,
  llamaFarmScanner,
  OllamaScanner,
  ollamaStoreFolder,
  type Scanner,
} from '../inventory/index.ts';
import { Intake } from './library/intake.ts';
import { ModelLibrary } from './library/model-library.ts';
import { ServedModels } from './served-content.ts';
import type { Surroundings } from './surroundings.ts';
import { ViewWriter } from './view-writer.ts';

export interface LibraryParts {
  readonly library: ModelLibrary;
  readonly content: ServedModels;
  readonly inventory: Inventory;
  readonly intake: Intake;
}

export async function openLibraryParts(around: Surroundings, stack: AsyncDisposableStack): Promise<LibraryParts> {
  const { config, home, registry, store, clock, logger } = around;
  const { hashCache, settings, pieceLists } = registry;
  const library = new ModelLibrary({ registry, hashCache, store, home: home.folder, clock, logger });
  const content = new ServedModels({ library, store, pieceLists, openLan: config.openLan, logger });
  stack.use(new ViewWriter({ path: home.registryView, library, clock, logger }));
  const inventory = new Inventory({ scanners: scannersOf(config), hashCache, clock });
  const intake = stack.use(new Intake({ inventory, library, settings, logger }));
  stack.defer(() => inventory.stop());
  await intake.start();
  return { library, content, inventory, intake };
}

function scannersOf({ scanDefaults, modelFolders }: Surroundings['config']): Scanner[] {
  const folders = modelFolders.map((folder) => new FolderScanner(folder));
  if (!scanDefaults) return folders;
  const huggingFace = new HuggingFaceScanner(huggingFaceCacheFolder(process.env));
  const ollama = new OllamaScanner(ollamaStoreFolder(process.env));
  return [huggingFace, ollama, llamaFarmScanner(llamaFarmFolder()), ...folders];
}
