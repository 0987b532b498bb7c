import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { MB } from '../../core/index.ts';
import { eventually } from '../../testkit/eventually.ts';
import { writeOnnxFile } from '../../testkit/model-files.ts';
import { onnxBytes } from '../../testkit/onnx-graph.ts';
import { type BrokenModel, withExternalData, writeBrokenModel, writeDetector } from '../../testkit/onnx-models.ts';
import { requestFor, testRuntimeProbe } from '../probe.conformance.ts';
import { OnnxProbe, type OnnxProbeOptions } from './onnx-probe.ts';

const never = new AbortController().signal;
const real = new OnnxProbe();
const faultChild = new URL('../testing/fault-child.ts', import.meta.url);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onnx-probe-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

testRuntimeProbe('OnnxProbe', { probe: real, format: 'onnx', outcome: 'loaded', writeModel: writeOnnxFile });

function probe(path: string, given: Parameters<typeof requestFor>[1] | object = {}, options?: OnnxProbeOptions) {
  const runtime = options === undefined ? real : new OnnxProbe(options);
  return runtime.probe(requestFor(path, { format: 'onnx', ...given }), never);
}

/** With golden values in the metadata. */
const golden = (values: object) => ({ metadata: { golden: values } });

async function broken(kind: BrokenModel): Promise<string> {
  const path = join(folder, 'broken', `${kind}.onnx`);
  await writeBrokenModel(path, kind);
  return path;
}

describe('OnnxProbe with a trained detector', () => {
  it('has it answer, and tells time, memory, provider and version', async () => {
    const { path } = await writeDetector(join(folder, 'v2.onnx'));
    const result = await probe(path);
    expect(result).toMatchObject({ outcome: 'loaded', executionProvider: 'cpu', golden: false });
    expect(result.runtime).toMatch(/^onnxruntime \d+\.\d+\.\d+$/);
    expect(result.loadMs).toBeGreaterThan(0);
    expect(result.inferMs).toBeGreaterThan(0);
    expect(result.peakMemoryBytes).toBeGreaterThan(20 * MB);
  });

  it('holds golden outputs against the answer, and tells v1 from v2', async () => {
    const [one, two] = await Promise.all([
      writeDetector(join(folder, 'one.onnx'), { version: 'v1' }),
      writeDetector(join(folder, 'two.onnx'), { version: 'v2' }),
    ]);
    expect(await probe(one.path, golden(one.golden))).toMatchObject({ outcome: 'loaded', golden: true });
    expect(await probe(two.path, { config: { golden: two.golden } })).toMatchObject({ golden: true });
    const failure = { code: 'wrong_answer', message: expect.stringMatching(/output score is .* golden/) };
    await expect(probe(two.path, golden(one.golden))).rejects.toMatchObject(failure);
  });

  it.each([
    ['an input that it has not', { inputs: { X: [[1, 2, 3]] } }, /no input X/],
    ['no value for its input', { inputs: { traffic: [[1, 2, 3]], more: [1] } }, /no input more/],
    ['rows of another width', { inputs: { traffic: [[1, 2]] } }, /traffic is \[1,2\], and the model wants \[rows,3\]/],
    ['texts for numbers', { inputs: { traffic: [['a', 'b', 'c']] } }, /no float32/],
    ['an output that it has not', { inputs: { traffic: [[1, 2, 3]] }, outputs: { loss: [1] } }, /no output loss/],
    ['values that are none', { inputs: { traffic: [[1, null, 3]] } }, /finite numbers/],
  ])('refuses golden values with %s', async (_what, values, message) => {
    const { path } = await writeDetector(join(folder, 'detector.onnx'));
    await expect(probe(path, golden(values))).rejects.toMatchObject({
      code: 'bad_golden',
      message: expect.stringMatching(message),
    });
  });

  it('takes golden outputs of another shape for a wrong answer', async () => {
    const { path } = await writeDetector(join(folder, 'detector.onnx'));
    const values = { inputs: { traffic: [[1, 2, 3]] }, outputs: { score: [[0.1]] } };
    await expect(probe(path, golden(values))).rejects.toMatchObject({ code: 'wrong_answer' });
  });
});

describe('OnnxProbe with a model that is no good', () => {
  it.each([
    ['loadFails', 'probe_failed', /Frobnicate/, 'load'],
    ['runFails', 'probe_failed', /reshape/i, 'run'],
    ['answersNaN', 'wrong_answer', /value 0 of the output Y is NaN/, undefined],
    ['lacksData', 'probe_failed', /weights\.bin/, 'load'],
    ['readsOutside', 'probe_failed', /outside\.bin/, 'load'],
  ] as const)('%s is %s', async (kind, code, message, phase) => {
    await writeFile(join(folder, 'outside.bin'), Buffer.alloc(64));
    const failure = { code, message: expect.stringMatching(message), retry: false, data: { phase } };
    const failing = probe(await broken(kind));
    await expect(failing).rejects.toMatchObject(failure);
    await expect(failing).rejects.toMatchObject({ message: expect.not.stringContaining(folder) });
  });

  it('one that hangs is ended at the end of its time', async () => {
    const failing = probe(await broken('hangs'), {}, { allowance: { timeMs: 1_500 } });
    await expect(failing).rejects.toMatchObject({ code: 'probe_timed_out', retry: true });
  });

  it('one that eats memory is ended while the machine has plenty', async () => {
    const failing = probe(await broken('eatsMemory'), {}, { allowance: { memoryBytes: 400 * MB } });
    await expect(failing).rejects.toMatchObject({ code: 'probe_memory', message: expect.stringContaining('400 MB') });
  });

  it('one whose inputs would be huge is refused before they are made', async () => {
    const X = { name: 'X', shape: [100_000, 100_000] };
    const nodes = [{ operator: 'Identity', inputs: ['X'], outputs: ['Y'] }];
    const path = join(folder, 'huge.onnx');
    await writeFile(path, onnxBytes({ name: 'huge', nodes, inputs: [X], outputs: [{ ...X, name: 'Y' }] }));
    const failure = { code: 'probe_failed', message: expect.stringContaining('golden inputs') };
    await expect(probe(path)).rejects.toMatchObject(failure);
  });

  it('a cut one is refused wherever it is cut', async () => {
    const { path, sizeBytes } = await writeDetector(join(folder, 'whole.onnx'), { version: 'v1' });
    for (const share of [0.3, 0.9]) {
      const cut = join(folder, `cut-${share}.onnx`);
      await copyFile(path, cut);
      await truncate(cut, Math.floor(sizeBytes * share));
      await expect(probe(cut)).rejects.toMatchObject({ code: 'probe_failed' });
    }
  });
});

describe('OnnxProbe and the types and shapes of inputs', () => {
  const passThrough = (shape: readonly (number | string)[], type: 'float' | 'int64' | 'bool' | 'double' | 'float16') =>
    onnxBytes({
      name: 'pass-through',
      nodes: [{ operator: 'Identity', inputs: ['X'], outputs: ['Y'] }],
      inputs: [{ name: 'X', shape, type }],
      outputs: [{ name: 'Y', shape, type }],
    });

  it.each([
    ['float', [2, 3], 1.5],
    ['int64', ['n'], 12],
    ['bool', [], true],
    ['double', [1, 'm'], -2.25],
    ['float16', [1], 0.5],
  ] as const)('%s %j goes in as zeros, and as golden values', async (type, shape, value) => {
    const path = join(folder, `${type}.onnx`);
    await writeFile(path, passThrough(shape, type));
    expect(await probe(path)).toMatchObject({ outcome: 'loaded' });
    const sizes = Array.from<number | string, number>(shape, (size) => (typeof size === 'number' ? size : 2));
    const count = sizes.reduce((product, size) => product * size, 1);
    const data = Array.from({ length: count }, () => value);
    const X = { shape: sizes, data };
    expect(await probe(path, golden({ inputs: { X }, outputs: { Y: X }, tolerance: 0 }))).toMatchObject({
      golden: true,
    });
  });

  it('open dimensions grow where a model does not take 1', async () => {
    const path = join(folder, 'needs-32.onnx');
    const bytes = onnxBytes({
      name: 'pool',
      nodes: [
        {
          operator: 'MaxPool',
          inputs: ['X'],
          outputs: ['Y'],
          attributes: { kernel_shape: { ints: [16, 16] } },
        },
      ],
      inputs: [{ name: 'X', shape: ['batch', 3, 'height', 'width'] }],
      outputs: [{ name: 'Y', shape: ['batch', 3, 'h', 'w'] }],
    });
    await writeFile(path, bytes);
    expect(await probe(path)).toMatchObject({ outcome: 'loaded' });
  });
});

describe('OnnxProbe with a folder', () => {
  const model = async (...parts: string[]) => writeOnnxFile(join(folder, ...parts));

  it('takes the file that the manifest names, model.onnx, or the only one, through links', async () => {
    await model('named', 'b.onnx');
    await writeFile(join(folder, 'named', 'a.onnx'), 'not this one');
    await expect(probe(join(folder, 'named'))).rejects.toMatchObject({ message: expect.stringContaining('2 .onnx') });
    expect(await probe(join(folder, 'named'), { file: 'b.onnx' })).toMatchObject({ outcome: 'loaded' });
    await model('deep', 'onnx', 'only.onnx');
    await symlink('deep', join(folder, 'current'));
    expect(await probe(join(folder, 'current'))).toMatchObject({ outcome: 'loaded' });
  });

  it('finds external data beside the model', async () => {
    await mkdir(join(folder, 'external'));
    await writeFile(join(folder, 'external', 'model.onnx'), withExternalData('weights.bin'));
    await writeFile(join(folder, 'external', 'weights.bin'), Buffer.alloc(64));
    expect(await probe(join(folder, 'external'))).toMatchObject({ outcome: 'loaded' });
  });

  it('says when there is no model in it, or a name that leads elsewhere', async () => {
    await mkdir(join(folder, 'empty'));
    const failure = { code: 'probe_failed', message: expect.stringContaining('no .onnx file') };
    await expect(probe(join(folder, 'empty'), { file: '../named/b.onnx' })).rejects.toMatchObject(failure);
  });
});

describe('OnnxProbe with a process that is broken', () => {
  const withFault = async (fault: string, allowance = {}) => {
    const { path } = await writeOnnxFile(join(folder, 'any.onnx'));
    return probe(path, {}, { childModule: faultChild, package: fault, allowance });
  };

  it.each([
    ['crash', 'probe_crashed', /was ended by SIGSEGV/],
    ['exit', 'probe_crashed', /ended with 3 and no answer; .*terminate called after an exception$/],
    ['flood', 'probe_crashed', /more than 65536 bytes/],
    ['prose', 'probe_crashed', /something else than an answer/],
    ['array', 'probe_crashed', /something else than an answer/],
    ['strange', 'probe_crashed', /something else than an answer/],
    ['other', 'probe_crashed', /another question/],
    ['colours', 'probe_failed', /: no !{10,500}…$/],
  ])('%s is %s', async (fault, code, message) => {
    await expect(withFault(fault)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('one that says nothing and does not heed SIGTERM is ended', async () => {
    await expect(withFault('silent', { timeMs: 500 })).rejects.toMatchObject({ code: 'probe_timed_out' });
  });
});

describe('OnnxProbe and its runtime', () => {
  it('names the providers that load, the processor among them and no other that this machine lacks', async () => {
    const state = await real.state();
    expect(state).toMatchObject({ version: expect.stringMatching(/^\d/) });
    expect(await real.executionProviders()).toContain('cpu');
  });

  it('is not there without the package, and says why', async () => {
    const none = new OnnxProbe({ package: 'onnxruntime-is-not-here' });
    expect(await none.canProbe('onnx')).toBe(false);
    expect(await none.state()).toEqual({ missing: expect.stringContaining('onnxruntime-is-not-here') });
    expect(await none.executionProviders()).toEqual([]);
    const { path } = await writeOnnxFile(join(folder, 'any.onnx'));
    const failing = none.probe(requestFor(path, { format: 'onnx' }), never);
    await expect(failing).rejects.toMatchObject({ code: 'probe_not_started', retry: true });
  });

  it('is looked for again when the look had no time, and not when it is there', async () => {
    const hurried = new OnnxProbe({ allowance: { timeMs: 1 } });
    const first = hurried.state();
    expect(await first).toEqual({ missing: expect.stringContaining('no answer') });
    expect(hurried.state()).not.toBe(first);
    await hurried.state();
    expect(real.state()).toBe(real.state());
  });

  it.each(['gguf', 'safetensors', 'pt'] as const)('does not know %s', async (format) => {
    expect(await real.canProbe(format)).toBe(false);
  });

  it('ends its process when the signal comes in the middle', async () => {
    const path = await broken('hangs');
    const abort = new AbortController();
    const failing = real.probe(requestFor(path, { format: 'onnx' }), abort.signal);
    await eventually(
      () => childrenOf(process.pid),
      (children) => children.length > 0,
    );
    abort.abort();
    await expect(failing).rejects.toMatchObject({ code: 'cancelled' });
    expect(await childrenOf(process.pid)).toEqual([]);
  });
});

test.runIf(process.platform === 'linux')('A probe does not outlive its node, although the model hangs', async () => {
  const path = await broken('hangs');
  const parent = spawn(process.execPath, [
    new URL('../testing/orphan-parent-child.ts', import.meta.url).pathname,
    path,
  ]);
  const pid = parent.pid ?? 0;
  // The look at the runtime comes first and ends by itself; the second process is the probe.
  const [child = 0] = await eventually(
    () => busyChildrenOf(pid),
    (found) => found.length === 1,
  );
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await eventually(
    async () => isThere(child),
    (there) => !there,
  );
});

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}

/** Children that have worked for longer than a look at the runtime takes: the model hangs in them. */
async function busyChildrenOf(pid: number): Promise<number[]> {
  const busy: number[] = [];
  for (const child of await childrenOf(pid)) {
    const stat = await readFile(`/proc/${child}/stat`, 'utf8').catch(() => '');
    const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[11]);
    if (ticks > 60) busy.push(child);
  }
  return busy;
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
