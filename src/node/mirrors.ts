/**
 * Mirrors: URLs of this node's owner from which blobs may be had, and the tokens for them. Never named by a peer.
 * Spec: docs/spec/10-transfer.md §10.
 */
import { readFileSync } from 'node:fs';
import { type Logger, messageOf } from '../core/index.ts';
import type { ModelEntry } from '../protocol/index.ts';
import { type BlobToGet, type PieceSource, UrlPieceSource } from '../transfer/index.ts';
import { NodeError } from './errors.ts';
import { NODE_LIMITS } from './limits.ts';

/** What a template's words stand for. */
export interface MirroredBlob {
  readonly blob: BlobToGet;
  readonly entry: Pick<ModelEntry, 'model_id' | 'version'>;
  /** Path of the blob in its model; undefined for what is no file of it. */
  readonly path: string | undefined;
}

export interface MirrorsOptions {
  readonly templates: readonly string[];
  readonly tokenFile?: string | undefined;
  readonly logger: Logger;
}

const WORDS = /\{([^{}]*)\}/g;
const KNOWN = new Set(['sha256', 'model_id', 'file', 'version']);
const TOKEN_LINE = /^(?:(https?:\/\/\S+)\s+)?([\x21-\x7e]+)$/;

export class Mirrors {
  readonly #templates: readonly string[];
  readonly #tokenFile: string | undefined;
  readonly #logger: Logger;

  /** Throws NodeError `bad_mirror`. */
  constructor({ templates, tokenFile, logger }: MirrorsOptions) {
    if (templates.length > NODE_LIMITS.mirrors) throw badMirror(`at most ${NODE_LIMITS.mirrors} may be given`);
    for (const template of templates) verifyTemplate(template);
    this.#templates = templates;
    this.#tokenFile = tokenFile;
    this.#logger = logger;
    if (tokenFile !== undefined) this.#readTokens(tokenFile);
  }

  get isEmpty(): boolean {
    return this.#templates.length === 0;
  }

  /** One source a template that can name the blob. */
  sourcesOf(mirrored: MirroredBlob): PieceSource[] {
    return this.#templates.flatMap((template) => {
      const url = mirrorUrl(template, mirrored);
      return url === undefined ? [] : [this.#sourceAt(url, mirrored.blob)];
    });
  }

  /** Two templates of one server are two sources. */
  #sourceAt(url: string, blob: BlobToGet): PieceSource {
    const { origin, pathname } = new URL(url);
    const authorization = (): string | undefined => this.#tokenFor(origin);
    return new UrlPieceSource({ id: `mirror ${origin}${pathname}`, url, blob, authorization });
  }

  /** Read anew each time: a token that was changed counts from the next connection on. */
  #tokenFor(origin: string): string | undefined {
    if (this.#tokenFile === undefined) return undefined;
    try {
      const token = this.#readTokens(this.#tokenFile).get(origin);
      return token === undefined ? undefined : `Bearer ${token}`;
    } catch (thrown) {
      this.#logger.warn({ reason: messageOf(thrown) }, 'the tokens of the mirrors cannot be read');
      return undefined;
    }
  }

  #readTokens(path: string): Map<string, string> {
    return parseTokens(readTokenFile(path), [...new Set(this.#templates.map(originOf))]);
  }
}

/** The URL of a blob; undefined when the template asks for what the blob has not. Throws NodeError `bad_mirror`. */
export function mirrorUrl(template: string, { blob, entry, path }: MirroredBlob): string | undefined {
  const values = new Map([
    ['sha256', blob.sha256],
    ['model_id', entry.model_id],
    ['version', entry.version],
    ...(path === undefined ? [] : [['file', path] as const]),
  ]);
  let isWhole = true;
  const url = template.replace(WORDS, (_, word: string) => {
    const value = values.get(word);
    isWhole &&= value !== undefined;
    return (value ?? '').split('/').map(encodeSegment).join('/');
  });
  return isWhole ? url : undefined;
}

/** A segment of dots alone would climb, encoded or not. */
function encodeSegment(segment: string): string {
  return /^\.+$/.test(segment) ? segment.replaceAll('.', '%252E') : encodeURIComponent(segment);
}

/** Words stand behind the authority only, so that no model's name can choose the server. */
function verifyTemplate(template: string): void {
  const named = [...template.matchAll(WORDS)].map(([, word = '']) => word);
  const unknown = named.find((word) => !KNOWN.has(word));
  if (unknown !== undefined)
    throw badMirror(`{${unknown}} is none of ${[...KNOWN].map((word) => `{${word}}`).join(' ')}`);
  if (!named.includes('sha256') && !named.includes('file')) throw badMirror('it names neither {sha256} nor {file}');
  const authority = /^https?:\/\/([^/?#]*)/.exec(template)?.[1];
  if (authority === undefined || URL.parse(template) === null) throw badMirror('it is not http or https');
  if (authority.includes('{')) throw badMirror('words may stand behind the host only');
  if (authority.includes('@')) throw badMirror('user and password do not belong into a URL; use a token file');
  if (template.includes('#')) throw badMirror('a fragment is never sent');
}

/** `ORIGIN TOKEN` a line; a token alone where all mirrors are one server's. Throws NodeError `bad_mirror`. */
function parseTokens(text: string, origins: readonly string[]): Map<string, string> {
  const tokens = new Map<string, string>();
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  for (const [at, line] of lines.entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const [, url, token] = TOKEN_LINE.exec(line) ?? [];
    const origin = url === undefined ? origins[0] : URL.parse(url)?.origin;
    if (token === undefined || origin === undefined)
      throw badMirror(`line ${at + 1} of the token file is not ORIGIN TOKEN`);
    if (url === undefined && origins.length > 1)
      throw badMirror(`line ${at + 1} of the token file does not say for which of the ${origins.length} servers it is`);
    tokens.set(origin, token);
  }
  return tokens;
}

function readTokenFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').slice(0, NODE_LIMITS.mirrorTokenChars);
  } catch (cause) {
    throw badMirror(`the token file ${path} cannot be read`, cause);
  }
}

function originOf(template: string): string {
  return new URL(template).origin;
}

function badMirror(what: string, cause?: unknown): NodeError {
  return new NodeError('bad_mirror', `Reading the mirrors: ${what}`, cause === undefined ? {} : { cause });
}
