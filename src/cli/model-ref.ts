/** How a user names a model. Spec: docs/spec/11-cli.md §7. Pure. */
import { parseModelId } from '../protocol/index.ts';
import { CliError } from './errors.ts';

export interface ModelRef {
  /** A model id, or `sha256:` and at least 8 hex digits in lower case. */
  readonly id: string;
  /** A version, an npm range, `latest`, or `sha256:` and at least 8 hex digits. */
  readonly range?: string;
}

const DIGEST = /^sha256:[0-9a-f]{8,64}$/;

/** Throws ProtocolError `unsafe_name`, CliError `bad_usage`. */
export function parseModelRef(text: string): ModelRef {
  if (isDigestRef(text)) return { id: parseDigestRef(text) };
  const at = text.lastIndexOf('@');
  if (at <= text.lastIndexOf('/') + 1) return { id: parseModelId(text) };
  const range = text.slice(at + 1).trim();
  if (range === '')
    throw new CliError('bad_usage', `Reading a model name: nothing follows the @ of ${JSON.stringify(text)}`);
  if (range.length > 100) throw new CliError('bad_usage', 'Reading a model name: its version range is too long');
  return { id: parseModelId(text.slice(0, at)), range: isDigestRef(range) ? parseDigestRef(range) : range };
}

function isDigestRef(text: string): boolean {
  return /^sha256:/i.test(text);
}

function parseDigestRef(text: string): string {
  const digest = text.toLowerCase();
  if (DIGEST.test(digest)) return digest;
  throw new CliError(
    'bad_usage',
    `Reading a model name: got ${JSON.stringify(text.slice(0, 80))}, wanted sha256: and 8 to 64 hex digits`,
  );
}
