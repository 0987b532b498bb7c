/** What a file is by its first bytes, whatever its name says. Pure. Spec: docs/spec/07-formats.md §9. */
import { extensionOf } from './file-name.ts';

export type ContentKind =
  | 'gguf'
  | 'safetensors'
  | 'onnx'
  | 'tflite'
  | 'pickle'
  | 'zip'
  | 'numpy'
  | 'tar'
  | 'gzip'
  | 'zlib'
  | 'zstd'
  | 'bzip2'
  | 'xz'
  | 'lzma'
  | 'lz4'
  | '7z'
  | 'rar'
  | 'hdf5'
  | 'program'
  | 'other';

const MAGICS: readonly (readonly [string, ContentKind])[] = [
  ['47475546', 'gguf'],
  ['504b0304', 'zip'],
  ['504b0506', 'zip'],
  ['504b0708', 'zip'],
  ['934e554d5059', 'numpy'],
  ['1f8b', 'gzip'],
  ['28b52ffd', 'zstd'],
  ['425a68', 'bzip2'],
  ['fd377a585a00', 'xz'],
  ['5d0000', 'lzma'],
  ['04224d18', 'lz4'],
  ['377abcaf271c', '7z'],
  ['526172211a07', 'rar'],
  ['894844460d0a1a0a', 'hdf5'],
  ['7f454c46', 'program'],
  ['4d5a', 'program'],
  ['2321', 'program'],
  ['cafebabe', 'program'],
  ['cffaedfe', 'program'],
  ['0061736d', 'program'],
];
const TAR_AT = 257;
const PICKLED_NAMES = new Set(['pkl', 'pickle', 'joblib']);
const ZLIB_SECOND = new Set([0x01, 0x5e, 0x9c, 0xda]);

/** At least 512 bytes of `head` where the file has them. */
export function contentKindOf(head: Buffer, fileName: string): ContentKind {
  const hex = head.toString('hex', 0, 16);
  const magic = MAGICS.find(([prefix]) => hex.startsWith(prefix));
  if (magic !== undefined) return magic[1];
  if (head.toString('latin1', TAR_AT, TAR_AT + 5) === 'ustar') return 'tar';
  if (head.toString('latin1', 4, 8) === 'TFL3') return 'tflite';
  if (head.length >= 9 && head[8] === 0x7b && head.readBigUInt64LE(0) <= 100_000_000n) return 'safetensors';
  if (beginsPickle(head) || PICKLED_NAMES.has(extensionOf(fileName))) return isZlib(head) ? 'zlib' : 'pickle';
  if (isZlib(head)) return 'zlib';
  return head[0] === 0x08 || extensionOf(fileName) === 'onnx' ? 'onnx' : 'other';
}

/** PROTO of 2 to 5, or GLOBAL or INST with two lines of names, as protocols 0 and 1 may begin. */
export function beginsPickle(head: Buffer): boolean {
  const [first = 0, second = 0] = head;
  if (first === 0x80 && second <= 5 && head.length > 2) return true;
  return /^[(}\])]{0,8}[ci][A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n/.test(head.toString('latin1', 0, 256));
}

function isZlib(head: Buffer): boolean {
  return head[0] === 0x78 && ZLIB_SECOND.has(head[1] ?? 0);
}
