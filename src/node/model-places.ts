/** Where models are looked for on this machine. Spec: docs/spec/08-inventory.md. */
import {
  FolderScanner,
  HuggingFaceScanner,
  huggingFaceCacheFolder,
  llamaFarmFolder,
  llamaFarmScanner,
  OllamaScanner,
  ollamaStoreFolder,
  type Scanner,
} from '../inventory/index.ts';

/** Absolute folders; a tool without one is not looked at. */
export interface ModelPlaces {
  readonly huggingFace?: string | undefined;
  readonly ollama?: string | undefined;
  readonly llamaFarm?: string | undefined;
  readonly folders: readonly string[];
}

type ToolPlaces = Required<Omit<ModelPlaces, 'folders'>>;

/** Where the tools of this user keep theirs. */
export function usualPlaces(env: Readonly<Record<string, string | undefined>>): ToolPlaces {
  return { huggingFace: huggingFaceCacheFolder(env), ollama: ollamaStoreFolder(env), llamaFarm: llamaFarmFolder() };
}

export function scannersOf({ huggingFace, ollama, llamaFarm, folders }: ModelPlaces): Scanner[] {
  return [
    ...(huggingFace === undefined ? [] : [new HuggingFaceScanner(huggingFace)]),
    ...(ollama === undefined ? [] : [new OllamaScanner(ollama)]),
    ...(llamaFarm === undefined ? [] : [llamaFarmScanner(llamaFarm)]),
    ...folders.map((folder) => new FolderScanner(folder)),
  ];
}
