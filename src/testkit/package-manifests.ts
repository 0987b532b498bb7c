/** Package manifests that hold: one with a file of each kind, and what is needed to make others. */
import { createHash } from 'node:crypto';
import { pieceListOf } from '../content/index.ts';
import type { ModelId, PieceRoot, Sha256 } from '../core/index.ts';
import {
  fileSetBytes,
  membersOfTier,
  type PackageContents,
  type PackageManifest,
  type PackageTier,
  readableSize,
  sizeInMb,
  toFileSet,
} from '../protocol/index.ts';

/** Files of a package by their paths. */
export type PackageFiles = Readonly<Record<string, string | Uint8Array>>;

export function factsOfBytes(content: string | Uint8Array) {
  const bytes = Buffer.from(content as Uint8Array);
  return { size_bytes: bytes.length, hash: `sha256:${sha256(bytes)}`, piece_root: pieceRoot(bytes) };
}

/** Sizes by tier are counted; everything else is as given. */
export function manifestOf(
  contents: PackageContents,
  about: { readonly id?: string; readonly version?: string; readonly tiers?: PackageTier[] } = {},
): PackageManifest {
  const tiers = about.tiers ?? ['tier_1', 'tier_2', 'tier_3'];
  const bytes = tiers.map((tier): [PackageTier, number] => [
    tier,
    membersOfTier({ contents }, tier).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  ]);
  return {
    package: {
      ...{ id: about.id ?? 'line-inspection', version: about.version ?? '1.3', created: '2026-02-02T12:00:00Z' },
      ...{ created_by: 'training-server-01', tiers },
      size_by_tier: Object.fromEntries(bytes.map(([tier, size]) => [tier, readableSize(size)])),
      bytes_by_tier: Object.fromEntries(bytes),
    },
    contents,
  };
}

/** A model of several files. */
export function folderModel(path: string, files: PackageFiles) {
  const list = Object.entries(files).map(([name, content]) => ({ path: name, ...factsOfBytes(content) }));
  const bytes = fileSetBytes(
    toFileSet(
      list.map(({ path: name, size_bytes, hash, piece_root }) => ({
        ...{
          path: name,
          size_bytes,
          sha256: hash.slice('sha256:'.length) as Sha256,
          piece_root: piece_root as PieceRoot,
        },
      })),
    ),
  );
  const size_bytes = list.reduce((sum, file) => sum + file.size_bytes, 0);
  return { path, files: list, ...factsOfBytes(bytes), size_bytes, size_mb: sizeInMb(size_bytes) };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function pieceRoot(bytes: Buffer): PieceRoot {
  return pieceListOf(bytes).root;
}

export interface SamplePackage {
  readonly manifest: PackageManifest;
  /** Its members, without the files that every package has. */
  readonly files: PackageFiles;
}

/** A file of each section; a model of one file for every tier, one of several files for tier 3 alone. */
export function samplePackage(changes: PackageFiles = {}, version = '1.3'): SamplePackage {
  const files: PackageFiles = { ...SAMPLE_FILES, ...changes };
  const facts = (path: string) => ({ path, ...factsOfBytes(files[path] ?? '') });
  const small = facts('models/tiny-defects-1.3.onnx');
  const inLarge = Object.entries(files).filter(([path]) => path.startsWith(LARGE));
  const largeFiles = Object.fromEntries(inLarge.map(([path, content]) => [path.slice(LARGE.length), content]));
  const contents: PackageContents = {
    config: [facts('config/mission.yaml')],
    models: [
      { ...small, id: 'acme/tiny-defects' as ModelId, version, size_mb: sizeInMb(small.size_bytes) },
      {
        ...folderModel(LARGE.slice(0, -1), largeFiles),
        ...{ id: 'acme/inspector' as ModelId, version: '1.0', tiers: ['tier_3'] },
        entry: { type: 'llm', format: 'safetensors', context_length: 4096 },
      },
    ],
    agents: [{ ...facts('agents/vision_agent-1.2.yaml'), id: 'vision_agent', version: '1.2' }],
    tools: [{ ...facts('tools/core_tools.yaml'), id: 'core_tools', version: '1.0', tiers: ['tier_2', 'tier_3'] }],
    knowledge: [{ ...facts('knowledge/defects.chunks.jsonl'), domain: 'defects', chunks: 2 }],
  };
  return { manifest: manifestOf(contents, { version }), files };
}

const LARGE = 'models/inspector-1.0/';

const SAMPLE_FILES: PackageFiles = {
  'config/mission.yaml': 'mission: line-inspection\n',
  'models/tiny-defects-1.3.onnx': Buffer.alloc(3000, 'tiny '),
  'models/inspector-1.0/config.json': '{"layers": 2}\n',
  'models/inspector-1.0/weights/model.safetensors': Buffer.alloc(7000, 'large'),
  'agents/vision_agent-1.2.yaml': 'agent: vision\n',
  'tools/core_tools.yaml': 'tools: []\n',
  'knowledge/defects.chunks.jsonl': '{"id":"a","text":"crack"}\n{"id":"b","text":"dent"}\n',
};
