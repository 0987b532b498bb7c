import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Sha256 } from '../../core/index.ts';
import { baseCandidates, type KnownContent, type KnownFile, type WantedFile } from './base-candidates.ts';

const digest = (text: string): Sha256 => createHash('sha256').update(text).digest('hex') as Sha256;

function file(path: string, content: string, more: Partial<KnownFile> = {}): KnownFile {
  return { path, sizeBytes: 100, sha256: digest(content), ...more };
}

function content(modelId: string, version: string, files: readonly KnownFile[], ...parents: string[]): KnownContent {
  return { modelId, version, parents, files };
}

function wanted(modelId: string, version: string, one: KnownFile, ...parents: string[]): WantedFile {
  return { modelId, version, parents, file: one };
}

const found = (want: WantedFile, ...known: readonly KnownContent[]): string[] =>
  baseCandidates(want, known).map(({ sha256 }) => sha256);

describe('baseCandidates()', () => {
  const target = file('model.safetensors', 'new');

  it('takes the version just before, then older ones, then later ones', () => {
    const version = (number: string) => content('org/m', number, [file('model.safetensors', number)]);
    const known = ['2.0.0', '1.0.0', '1.10.0', '1.9.0', '3.0.0'].map(version);
    expect(found(wanted('org/m', '1.11.0', target), ...known)).toEqual(
      ['1.10.0', '1.9.0', '1.0.0', '2.0.0', '3.0.0'].map(digest),
    );
  });

  it('takes what it was made from, its siblings and its children after its own versions', () => {
    const known = [
      content('org/child', '1', [file('model.safetensors', 'child')], 'org/m'),
      content('org/sibling', '1', [file('model.safetensors', 'sibling')], 'org/base@1'),
      content('org/base', '2', [file('model.safetensors', 'other version')]),
      content('org/base', '1', [file('model.safetensors', 'base')]),
      content('org/m', '0.9', [file('model.safetensors', 'own')]),
      content('org/stranger', '1', [file('model.safetensors', 'stranger')]),
    ];
    expect(found(wanted('org/m', '1', target, 'org/base@1'), ...known)).toEqual(
      ['own', 'base', 'other version', 'sibling', 'child'].map(digest),
    );
  });

  it('never offers the content itself, nor one twice', () => {
    const known = [
      content('org/m', '1', [target]),
      content('org/m', '0.8', [file('model.safetensors', 'old')]),
      content('org/m', '0.7', [file('model.safetensors', 'old')]),
    ];
    expect(found(wanted('org/m', '2', target), ...known)).toEqual([digest('old')]);
  });

  it.each([
    ['the same path', file('a/x.bin', 'new'), [file('x.bin', 'b'), file('a/x.bin', 'old')]],
    [
      'the same id',
      file('models/d-1.3.onnx', 'new', { id: 'd' }),
      [file('z.onnx', 'old', { id: 'd' }), file('y.onnx', 'b')],
    ],
    [
      'the same shard',
      file('m-00002-of-00003.safetensors', 'new'),
      [file('w-00001-of-00003.safetensors', 'a'), file('w-00002-of-00003.safetensors', 'old')],
    ],
    ['the same name but for its version', file('d-1.3.gguf', 'new'), [file('d-1.2.gguf', 'old'), file('e.gguf', 'b')]],
    ['the same size and kind', file('n.gguf', 'new'), [file('o.gguf', 'old'), file('p.gguf', 'b', { sizeBytes: 7 })]],
    ['the only one of its kind', file('n.gguf', 'new'), [file('o.gguf', 'old', { sizeBytes: 7 }), file('p.json', 'b')]],
  ])('finds the counterpart by %s', (_, want, files) => {
    expect(found(wanted('org/m', '2', want), content('org/m', '1', files))).toEqual([digest('old')]);
  });

  it.each([
    ['two that it could be', file('n.gguf', 'new'), [file('o.gguf', 'a'), file('p.gguf', 'b')]],
    ['another kind of file', file('n.gguf', 'new'), [file('o.safetensors', 'a')]],
    [
      'a shard of another number of shards',
      file('m-00002-of-00003.safetensors', 'new'),
      [file('m-00002-of-00004.safetensors', 'a', { sizeBytes: 7 })],
    ],
  ])('finds none in %s', (_, want, files) => {
    expect(found(wanted('org/m', '2', want), content('org/m', '1', files))).toEqual([]);
  });
});
