import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { vectorCases } from '../../testkit/vectors.ts';
import { type ModelEntry, modelEntrySchema } from '../catalog.ts';
import { PROTOCOL_LIMITS } from '../limits.ts';
import { isRelativePath } from '../names.ts';
import { lineageOf, parseParentRef } from './lineage.ts';
import { DEPLOYMENT_PRIORITIES, MANIFEST_TYPES, type ModelManifest, manifestKey, parseManifest } from './manifest.ts';
import {
  MANIFEST_VOCABULARIES,
  parseManifestDocument,
  parseManifestText,
  toManifestDocument,
  toManifestYaml,
} from './manifest-document.ts';
import { entryToManifest, manifestToEntry } from './manifest-entry.ts';
import { manifestFileName } from './manifest-file-name.ts';
import { MANIFEST_PRESETS, presetNamed } from './manifest-presets.ts';
import { shortManifest } from './manifest-short.ts';
import { estimateVramMb } from './quantization.ts';

const SHA = 'a'.repeat(64);
const BARE = { model_id: 'm', name: 'm', version: '1', model_type: 'llm', format: 'gguf', size_bytes: 1, sha256: SHA };

interface DocumentCase {
  readonly name: string;
  readonly text: string;
  readonly valid: boolean;
  readonly vocabulary?: string;
  readonly manifest?: object;
  readonly key?: string;
  readonly line?: number;
  readonly path?: string;
}

describe('parseManifestText()', () => {
  it.each(vectorCases<DocumentCase>('manifests', 'documents.json'))('%s', (_, one) => {
    if (!one.valid) {
      const problem = { line: one.line, path: one.path };
      const error = {
        code: 'bad_document',
        data: { problems: expect.arrayContaining([expect.objectContaining(problem)]) },
      };
      expect(() => parseManifestText(one.text)).toThrow(expect.objectContaining(error));
      return;
    }
    const { manifest, vocabulary } = parseManifestText(one.text);
    expect([vocabulary, shortManifest(manifest), manifestKey(manifest)]).toEqual([
      one.vocabulary,
      one.manifest,
      one.key,
    ]);
  });

  it.each(vectorCases<DocumentCase>('manifests', 'documents.json').filter(([, { valid }]) => valid))(
    'writes in its own vocabulary all that it read: %s',
    (_, { text }) => {
      const { manifest, vocabulary } = parseManifestText(text);
      const written = toManifestDocument(manifest, vocabulary);
      expect(parseManifestDocument(written)).toEqual({ manifest, vocabulary });
      if (vocabulary !== 'atmosphere') expect(manifest).toEqual(parseManifestText(JSON.stringify(written)).manifest);
    },
  );

  it('keeps every value of a document of the public vocabularies where it stood', () => {
    for (const [name, { text, valid }] of vectorCases<DocumentCase>('manifests', 'documents.json')) {
      if (!valid || !/every field|a language model|does not have/.test(name)) continue;
      const { manifest, vocabulary } = parseManifestText(text);
      const original = text.startsWith('{') ? JSON.parse(text) : undefined;
      if (original !== undefined) expect(toManifestDocument(manifest, vocabulary)).toMatchObject(original);
    }
  });

  it('refuses what is larger than a manifest may be, before it is parsed', () => {
    const text = `name: ${'x'.repeat(PROTOCOL_LIMITS.manifestBytes)}`;
    expect(() => parseManifestText(text)).toThrow(/wanted at most 65536/);
  });

  it('refuses brackets without end and does not fall over them', () => {
    for (const text of ['['.repeat(60_000), '- '.repeat(30_000), '{a: '.repeat(16_000)])
      expect(() => parseManifestText(text)).toThrow(expect.objectContaining({ code: 'bad_document' }));
  });
});

describe('parseManifest()', () => {
  it('refuses what a peer nests without end, and what is too large', () => {
    let deep: unknown = 1;
    for (let depth = 0; depth < 50_000; depth += 1) deep = { deep };
    expect(() => parseManifest({ ...BARE, config: { deep } })).toThrow(expect.objectContaining({ code: 'malformed' }));
    const config = { text: 'x'.repeat(PROTOCOL_LIMITS.manifestBytes) };
    expect(() => parseManifest({ ...BARE, config })).toThrow(expect.objectContaining({ code: 'too_large' }));
  });
});

const label = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const labels = fc.array(label, { maxLength: 3 });
const whole = fc.nat(100_000);
/** No name in a document is `__proto__`: that is refused. */
const json = fc
  .jsonValue({ maxDepth: 2 })
  .map((value) => JSON.stringify(value))
  .filter((text) => !text.includes('"__proto__"'))
  .map((text) => JSON.parse(text) as unknown);
const free = fc.dictionary(
  fc.string({ maxLength: 6 }).filter((key) => key !== '__proto__'),
  json,
  { maxKeys: 3 },
);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const manifests: fc.Arbitrary<ModelManifest> = fc
  .record({
    model_id: fc.constantFrom('m', 'org/m', 'My-Model', 'a/b/c:8b'),
    name: fc.oneof(label, fc.constantFrom('m', 'org/m', 'My Model')),
    version: fc.oneof(label, fc.constantFrom('1.0', '25.12', '1e3', 'true', '2026-02-02', '0x10', 'null', '~')),
    model_type: fc.constantFrom(...MANIFEST_TYPES),
    format: fc.constantFrom('gguf', 'pt', 'pytorch', 'sklearn', 'tflite', 'onnx'),
    size_bytes: whole,
    sha256: fc.constantFrom(SHA, '1'.repeat(64), `${'1'.repeat(30)}e${'1'.repeat(33)}`),
    file: maybe(fc.constantFrom('m.gguf', 'a/b.bin')),
    file_count: maybe(fc.constantFrom(1, 3)),
    quantization: maybe(fc.constantFrom('Q4_K_M', 'F16', 'IQ2_XS')),
    params_billions: maybe(fc.constantFrom(0.5, 3, 8)),
    classes: maybe(labels),
    license: maybe(fc.constantFrom('', 'MIT', 'NOASSERTION')),
    source: maybe(fc.constantFrom('', 'somebody')),
    created_at: maybe(fc.constantFrom('1970-01-01T00:00:00Z', '2026-02-02T15:30:00Z')),
    trained_on: maybe(label),
    training_node: maybe(label),
    parent_model: maybe(fc.constantFrom('base', 'org/base@1.0')),
    unsafe: fc.boolean(),
    revision: fc.constantFrom(0, 5),
    withdrawn: fc.boolean(),
    capabilities: labels,
    features: labels,
    python_requirements: labels,
    config: free,
    metadata: fc.oneof(free, fc.constant({ parent_model: 'inside' }), fc.constant({ parent_model: 7 })),
    needs: fc.record({
      min_memory_mb: whole,
      min_vram_mb: whole,
      architectures: labels,
      execution_providers: labels,
      gpu_required: fc.boolean(),
    }),
    deployment: fc.record({ priority: fc.constantFrom(...DEPLOYMENT_PRIORITIES), replicas: whole, regions: labels }),
    x_seed1: maybe(
      fc.constantFrom({ name: 'no' }, { deployment: { window: 1 } }, { node_requirements: 7 }, { a: null }),
    ),
    x_seed3: maybe(fc.constantFrom({ format: 'no' }, { requirements: { architectures: [] } }, { later: [] })),
    later: maybe(json.filter((value) => value !== null)),
  })
  .map((fields) => parseManifest(JSON.parse(JSON.stringify(fields))));

describe('the three vocabularies', () => {
  it.each(MANIFEST_VOCABULARIES)('%s gives back every manifest that was written in it', (vocabulary) => {
    fc.assert(
      fc.property(manifests, (manifest) => {
        const written = toManifestDocument(manifest, vocabulary);
        expect(parseManifestDocument(written).manifest).toEqual(manifest);
        expect(parseManifestText(toManifestYaml(manifest, vocabulary)).manifest).toEqual(manifest);
        expect(parseManifestText(JSON.stringify(written, null, 2)).manifest).toEqual(manifest);
      }),
      { numRuns: 40 },
    );
  });

  it('carry a manifest from one to the other and back', () => {
    fc.assert(
      fc.property(manifests, (manifest) => {
        const there = parseManifestDocument(toManifestDocument(manifest, 'seed1')).manifest;
        const back = parseManifestDocument(toManifestDocument(there, 'seed3')).manifest;
        expect(back).toEqual(manifest);
      }),
      { numRuns: 40 },
    );
  });

  it('say a plain manifest in their own fields alone', () => {
    const plain = { ...BARE, model_type: 'router', file: 'm.gguf', needs: { min_memory_mb: 5, min_cpu_cores: 2 } };
    expect(toManifestDocument(parseManifest(plain), 'seed1')).not.toHaveProperty('x_atmosphere');
    const preset = {
      ...MANIFEST_PRESETS.ministral_3b(),
      sha256: SHA,
      size_bytes: 5,
      created_at: '2026-01-01T00:00:00Z',
    };
    expect(toManifestDocument(parseManifest(preset), 'seed3')).not.toHaveProperty('x_atmosphere');
  });
});

describe('shortManifest()', () => {
  it('leaves out what says nothing, and is the same for what is short already', () => {
    fc.assert(
      fc.property(manifests, (manifest) => {
        const short = shortManifest(manifest);
        expect(parseManifest(short)).toEqual(manifest);
        expect(shortManifest(short)).toEqual(short);
      }),
      { numRuns: 40 },
    );
    expect(shortManifest(parseManifest(BARE))).toEqual(BARE);
  });
});

describe('estimateVramMb()', () => {
  interface Case {
    readonly name: string;
    readonly params_billions?: number;
    readonly quantization?: string;
    readonly size_bytes?: number;
    readonly recommended_vram_mb?: number;
    readonly vram_mb: number;
  }
  it.each(vectorCases<Case>('manifests', 'vram.json'))('%s', (_, one) => {
    const { params_billions, quantization, size_bytes = 0, recommended_vram_mb = 0, vram_mb } = one;
    expect(estimateVramMb({ params_billions, quantization, size_bytes, needs: { recommended_vram_mb } })).toBe(vram_mb);
  });
});

describe('manifestFileName()', () => {
  type Case = Parameters<typeof manifestFileName>[0] & { readonly name: string; readonly file: string };
  it.each(vectorCases<Case>('manifests', 'file-names.json'))('%s', (_, one) => {
    expect(manifestFileName(one)).toBe(one.file);
  });

  it('is a safe name of its own for the longest ids too', () => {
    const named = (last: string) =>
      manifestFileName({
        model_id: `${'a/'.repeat(3)}${'x'.repeat(190)}${last}`,
        version: '9'.repeat(99),
        format: 'gguf',
      } as never);
    expect(isRelativePath(named('y'))).toBe(true);
    expect(named('y')).not.toBe(named('z'));
  });

  it('is a safe name whatever the manifest says', () => {
    fc.assert(
      fc.property(manifests, (manifest) => {
        expect(isRelativePath(manifestFileName(manifest))).toBe(true);
        expect(manifestFileName(manifest)).not.toContain('/');
      }),
      { numRuns: 40 },
    );
  });
});

describe('presets', () => {
  interface Case {
    readonly name: keyof typeof MANIFEST_PRESETS;
    readonly quantization: string;
    readonly preset: object;
    readonly vram_mb: number;
  }
  it.each(vectorCases<Case>('manifests', 'presets.json'))('%s', (_, { name, quantization, preset, vram_mb }) => {
    const made = MANIFEST_PRESETS[name](quantization);
    expect(made).toMatchObject({ ...preset, quantization });
    expect(estimateVramMb({ params_billions: undefined, ...made, size_bytes: 0 })).toBe(vram_mb);
    expect(presetNamed(`acme/${made.model_id}`)?.model_id).toBe(made.model_id);
  });

  it('are the caller’s own: changing one changes no other', () => {
    MANIFEST_PRESETS.yolov8n().needs.architectures.push('riscv64');
    expect(MANIFEST_PRESETS.yolov8n().needs.architectures).toEqual(['aarch64', 'x86_64']);
  });
});

describe('lineageOf()', () => {
  type Model = Pick<ModelManifest, 'model_id' | 'version' | 'parent_model'>;
  interface Case {
    readonly name: string;
    readonly model: Model;
    readonly known: readonly Model[];
    readonly valid: boolean;
    readonly chain?: readonly string[];
  }
  it.each(vectorCases<Case>('manifests', 'lineage.json'))('%s', (_, { model, known, valid, chain }) => {
    const read = () =>
      lineageOf(model, ({ modelId, version }) =>
        known.find((one) => one.model_id === modelId && (version ?? one.version) === one.version),
      );
    if (valid) expect(read().map(({ ref }) => ref)).toEqual(chain);
    else expect(read).toThrow(expect.objectContaining({ code: 'bad_lineage' }));
  });

  it('tells a version from an @ inside a name', () => {
    expect(parseParentRef('org/base@1.2')).toEqual({ modelId: 'org/base', version: '1.2' });
    expect(parseParentRef('org/@base')).toEqual({ modelId: 'org/@base', version: undefined });
  });
});

describe('entries', () => {
  it('carry what a pull needs to a manifest and back', () => {
    const entry = modelEntrySchema.parse({
      ...{ model_id: 'org/m', name: 'M', type: 'llm', format: 'gguf', size_bytes: 7, sha256: SHA, version: '2' },
      ...{ piece_root: 'b'.repeat(64), file: 'm.gguf', capabilities: ['chat'], quantization: 'F16', unsafe: true },
      metadata: { parent_model: 'org/base', note: 1 },
    }) as ModelEntry;
    const manifest = entryToManifest(entry);
    expect(manifest).toMatchObject({
      parent_model: 'org/base',
      metadata: { note: 1 },
      unsafe: true,
      model_type: 'llm',
    });
    const { source: _, source_ref: __, ...facts } = entry;
    expect(manifestToEntry(manifest)).toMatchObject(facts);
  });

  it.each([
    ['detector', 'vision'],
    ['whisper', 'audio'],
    ['custom', 'other'],
    ['anomaly_detector', 'anomaly_detector'],
  ])('a %s is listed as %s', (model_type, type) => {
    expect(manifestToEntry(parseManifest({ ...BARE, model_type })).type).toBe(type);
  });
});
