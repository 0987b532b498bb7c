/**
 * Does loading this file run code that is in it? Judged by content, never by name, and by every reading that some loader may take:
 * a good GGUF that is an archive as well is no GGUF. What is not surely safe is unsafe. Spec: docs/spec/07-formats.md §9.
 */
import { type ContentKind, contentKindOf } from './content-kind.ts';
import { FormatsError } from './errors.ts';
import { extensionOf } from './file-name.ts';
import { readGguf } from './gguf.ts';
import type { HeaderSource } from './header-source.ts';
import { FORMATS_LIMITS } from './limits.ts';
import { type ArchiveBudget, archiveBudget, listArchive, listContent } from './list-archive.ts';
import { importsFromTheStart, newListing } from './list-pickles.ts';
import { readOnnx } from './onnx.ts';
import type { PickleReport } from './pickle-report.ts';
import { readSafetensors } from './safetensors.ts';
import { readHead } from './source-window.ts';
import { readZipMembers } from './zip-directory.ts';

type UnsafeCode = 'pickle' | 'polyglot' | 'archive' | 'compressed' | 'code' | 'damaged' | 'not_known_safe';

export interface FileInspection {
  readonly kind: ContentKind | 'text' | 'tensor_data';
  /** Surely: no loader that takes it for what it is runs anything of it. */
  readonly isSafe: boolean;
  /** Why not. */
  readonly reasons: readonly { readonly code: UnsafeCode; readonly message: string }[];
  /** Tensors that its header announces, where it has one. */
  readonly tensorCount: number | undefined;
  readonly pickle: PickleReport;
}

interface InspectOptions {
  /** A model beside it says that this is its tensors' data (ONNX external data): bytes without a form. */
  readonly isTensorData?: boolean;
}

const HEAD_BYTES = 512;
const WHITE = new Set([0x09, 0x0a, 0x0c, 0x0d]);
const NAMED_AS_PICKLE = new Set(['pkl', 'pickle', 'joblib', 'pt', 'pth', 'ckpt', 'npy', 'npz']);
const CODE_ENDINGS = new Set(['py', 'pyc', 'so', 'dll', 'dylib', 'exe', 'sh', 'bat', 'ps1', 'js', 'wasm', 'jar']);
const TEXT_ENDINGS = new Set('json txt md yaml yml jinja jinja2 csv tiktoken vocab license gitattributes'.split(' '));
const WORDS: Partial<Record<ContentKind, readonly [UnsafeCode, string]>> = {
  pickle: ['pickle', 'it is a pickle: loading it runs what it says'],
  zip: ['archive', 'it is a ZIP archive, as torch and numpy write them'],
  numpy: ['pickle', 'it is a numpy file, which may hold pickled objects'],
  tar: ['archive', 'it is a tar archive, as old torch wrote them'],
  gzip: ['compressed', 'it is compressed (gzip)'],
  zlib: ['compressed', 'it is compressed (zlib)'],
  zstd: ['compressed', 'it is compressed (zstd)'],
  bzip2: ['compressed', 'it is compressed (bzip2), and what is in it is not looked at'],
  xz: ['compressed', 'it is compressed (xz), and what is in it is not looked at'],
  lzma: ['compressed', 'it is compressed (lzma), and what is in it is not looked at'],
  lz4: ['compressed', 'it is compressed (lz4), and what is in it is not looked at'],
  '7z': ['archive', 'it is a 7z archive, and what is in it is not looked at'],
  rar: ['archive', 'it is a RAR archive, and what is in it is not looked at'],
  hdf5: ['not_known_safe', 'it is HDF5: Keras runs the functions that such a file describes'],
  program: ['code', 'it is a program'],
};

/** Errors of the disk pass through; nothing in the file makes it throw. */
export async function inspectModelFile(
  source: HeaderSource,
  fileName: string,
  options: InspectOptions = {},
): Promise<FileInspection> {
  const head = await readHead(source, HEAD_BYTES);
  const budget = archiveBudget(newListing());
  const kind = contentKindOf(head, fileName);
  const word = WORDS[kind];
  if (word === undefined) return await inspectData(source, { fileName, kind, head, budget, options });
  await listContent(source, fileName, budget, 0);
  // Behind a good beginning of one thing there may be an archive too.
  if (kind !== 'zip' && (await hasArchive(source))) await listArchive(source, budget);
  return verdict(kind, [word], budget);
}

interface Seen {
  readonly fileName: string;
  readonly kind: ContentKind;
  readonly head: Buffer;
  readonly budget: ArchiveBudget;
  readonly options: InspectOptions;
}

type Reason = readonly [UnsafeCode, string];

async function inspectData(source: HeaderSource, seen: Seen): Promise<FileInspection> {
  const { fileName, kind, budget } = seen;
  const reasons: Reason[] = [];
  if (await importsFromTheStart(source, budget))
    reasons.push([
      'polyglot',
      `read as a pickle, it imports something${kind === 'other' ? '' : `, though it is ${kind}`}`,
    ]);
  if (await hasArchive(source)) {
    reasons.push(['polyglot', 'an archive is appended to it, which torch would load instead']);
    await listArchive(source, budget);
  }
  const form = await readForm(source, seen);
  if (typeof form === 'object') return verdict(form.kind, reasons, budget, form.tensorCount);
  if (kind === 'other' && NAMED_AS_PICKLE.has(extensionOf(fileName))) await listContent(source, 'x.pkl', budget, 0);
  return verdict(kind, [...reasons, [kind === 'other' ? 'not_known_safe' : 'damaged', form]], budget);
}

/** What makes it safe, or the reason why it is not. */
async function readForm(
  source: HeaderSource,
  { kind, fileName, head, options }: Seen,
): Promise<{ readonly kind: FileInspection['kind']; readonly tensorCount?: number } | string> {
  const ending = extensionOf(fileName);
  if (CODE_ENDINGS.has(ending)) return `files that end in .${ending} are code`;
  try {
    if (kind === 'gguf') return { kind, tensorCount: (await readGguf(source)).tensors.length };
    if (kind === 'safetensors') return { kind, tensorCount: (await readSafetensors(source)).tensors.length };
    if (kind === 'tflite' && ending === 'tflite') return { kind };
    if (kind === 'onnx' && !options.isTensorData) return await readOnnxForm(source);
  } catch (thrown) {
    if (thrown instanceof FormatsError) return thrown.message;
    throw thrown;
  }
  if (options.isTensorData === true) return { kind: 'tensor_data' };
  if (isText(head) && (TEXT_ENDINGS.has(ending) || ending === '')) return { kind: 'text' };
  return 'it is of no format that is known to be safe (GGUF, safetensors, ONNX, TFLite)';
}

async function readOnnxForm(source: HeaderSource) {
  const onnx = await readOnnx(source);
  if (!onnx.complete) return 'its header is too large to be read whole';
  return { kind: 'onnx' as const, tensorCount: onnx.tensorCount };
}

function isText(head: Buffer): boolean {
  return head.every((byte) => byte >= 0x20 || WHITE.has(byte));
}

/** A directory with members in the tail; by chance it is not there. */
async function hasArchive(source: HeaderSource): Promise<boolean> {
  return ((await readZipMembers(source))?.length ?? 0) > 0;
}

function verdict(
  kind: FileInspection['kind'],
  reasons: readonly Reason[],
  { findings }: ArchiveBudget,
  tensorCount?: number,
): FileInspection {
  const pickle = findings.report();
  return {
    kind,
    isSafe: reasons.length === 0,
    reasons: reasons.map(([code, message]) => ({ code, message: message.slice(0, 2 * FORMATS_LIMITS.textChars) })),
    tensorCount,
    pickle,
  };
}
