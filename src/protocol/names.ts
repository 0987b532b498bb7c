/**
 * Names that become files and folders. Everything here is chosen by peers, archives and users; what passes is safe as
 * a relative path on Linux, macOS and Windows. Spec: docs/spec/04-catalog.md §2.
 */
import type { ModelId } from '../core/index.ts';
import { ProtocolError } from './errors.ts';
import { PROTOCOL_LIMITS } from './limits.ts';

const WINDOWS_DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?$/i;
const MODEL_SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9._+:@-]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
const FORBIDDEN_IN_FILES = /[\u0000-\u001f\u007f<>:"|?*\\]/;

/** Parses `org/name`, `name` or `library/llama3:8b`: 1 to 4 segments. Throws ProtocolError `unsafe_name`. */
export function parseModelId(text: string): ModelId {
  const fault = modelIdFault(text);
  if (fault === undefined) return text as ModelId;
  throw unsafe('model id', text, fault);
}

export function isModelId(text: string): text is ModelId {
  return modelIdFault(text) === undefined;
}

/** Parses a path inside a model: relative, forward slashes, no empty or dot segments. Throws `unsafe_name`. */
export function parseRelativePath(text: string): string {
  const fault = relativePathFault(text);
  if (fault === undefined) return text;
  throw unsafe('path', text, fault);
}

export function isRelativePath(text: string): boolean {
  return relativePathFault(text) === undefined;
}

/** The folder name of a model id: one segment, unique for the id on every file system (`/` → `--`, `:` → `+`). */
export function toFolderName(id: ModelId): string {
  return id
    .replaceAll('%', '%25')
    .replaceAll('+', '%2B')
    .replaceAll('--', '%2D%2D')
    .replaceAll('/', '--')
    .replaceAll(':', '+');
}

function modelIdFault(text: string): string | undefined {
  if (text.length === 0) return 'it is empty';
  if (text.length > PROTOCOL_LIMITS.modelIdChars) return `it is longer than ${PROTOCOL_LIMITS.modelIdChars} characters`;
  const segments = text.split('/');
  if (segments.length > 4) return 'it has more than 4 parts';
  for (const segment of segments) {
    if (!MODEL_SEGMENT.test(segment))
      return 'a part may hold letters, digits and . _ + : @ - and starts with a letter or digit';
    const fault = segmentFault(segment);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function relativePathFault(text: string): string | undefined {
  if (text.length === 0) return 'it is empty';
  if (text.length > PROTOCOL_LIMITS.pathChars) return `it is longer than ${PROTOCOL_LIMITS.pathChars} characters`;
  if (text.startsWith('/')) return 'it is absolute';
  if (FORBIDDEN_IN_FILES.test(text)) return 'it holds a character that file systems refuse';
  for (const segment of text.split('/')) {
    const fault = segmentFault(segment);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function segmentFault(segment: string): string | undefined {
  if (segment === '') return 'it has an empty part';
  if (segment === '.' || segment === '..') return 'it leaves its folder';
  if (Buffer.byteLength(segment) > PROTOCOL_LIMITS.pathSegmentChars)
    return `a part is longer than ${PROTOCOL_LIMITS.pathSegmentChars} bytes`;
  if (/[. ]$/.test(segment)) return 'a part ends in a dot or a space';
  if (WINDOWS_DEVICE.test(segment)) return 'a part is a device name on Windows';
  return undefined;
}

function unsafe(what: string, text: string, fault: string): ProtocolError {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return new ProtocolError('unsafe_name', `Reading a ${what}: ${JSON.stringify(shown)} is refused because ${fault}`, {
    data: { what, fault },
  });
}
