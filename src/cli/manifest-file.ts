/** Manifests as files: read with the line of each mistake, found beside a model, changed in the user's editor. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { messageOf, systemCodeOf } from '../core/index.ts';
import {
  type ManifestDocument,
  PROTOCOL_LIMITS,
  parseManifestPart,
  parseManifestText,
  shortManifest,
} from '../protocol/index.ts';
import type { Context } from './context.ts';
import { CliError } from './errors.ts';

const MANIFEST_FILE = 'model-manifest.yaml';

/** Throws ProtocolError `bad_document`, CliError `nothing_found`, `bad_usage`. */
export async function readManifestFile(path: string): Promise<ManifestDocument> {
  return parseManifestText(await readBounded(path));
}

/** As it stands there; it may leave out what the daemon knows of the model. Throws as `readManifestFile`. */
export async function readManifestPart(path: string): Promise<Record<string, unknown>> {
  return parseManifestPart(await readBounded(path));
}

interface ManifestBeside {
  /** The model file that it names, or what was asked for. */
  readonly path: string;
  readonly manifestPath: string;
  readonly document: ManifestDocument;
}

/** The manifest that lies in the folder, or beside the file and not of another one. Throws as `readManifestFile`. */
async function findManifestBeside(path: string): Promise<ManifestBeside | undefined> {
  const state = await stat(path).catch(() => undefined);
  if (state === undefined) return undefined;
  const manifestPath = join(state.isDirectory() ? path : dirname(path), MANIFEST_FILE);
  if ((await stat(manifestPath).catch(() => undefined))?.isFile() !== true) return undefined;
  const document = await readManifestFile(manifestPath);
  const { file } = document.manifest;
  if (!state.isDirectory())
    return (file ?? basename(path)) === basename(path) ? { path, manifestPath, document } : undefined;
  return { path: file === undefined ? path : join(path, file), manifestPath, document };
}

export interface Imported {
  readonly path: string;
  readonly manifest?: Record<string, unknown>;
}

/** What an import takes: the given manifest, the one beside, or none where `given` is false. Throws as `readManifestFile`. */
export async function toImported(context: Context, path: string, given: string | false | undefined): Promise<Imported> {
  if (given === false) return { path };
  if (given !== undefined) {
    const { manifest } = await readManifestFile(resolve(context.io.cwd, given));
    return { path, manifest: shortManifest(manifest) };
  }
  const beside = await findManifestBeside(path);
  if (beside === undefined) return { path };
  context.out.note(`described by ${beside.manifestPath}; --no-manifest leaves it aside`);
  return { path: beside.path, manifest: shortManifest(beside.document.manifest) };
}

export interface Edited {
  readonly text: string;
  /** Where the text lies; it stays there until `done`. */
  readonly path: string;
  done(): Promise<void>;
}

/** Opens `VISUAL` or `EDITOR` and waits for its end. Throws CliError `editor_failed`; what was written by then stays in its file. */
export async function editText(context: Context, text: string): Promise<Edited> {
  const folder = await mkdtemp(join(tmpdir(), 'atmosphere-manifest-'));
  const path = join(folder, MANIFEST_FILE);
  await writeFile(path, text, { mode: 0o600 });
  await runEditor(context, path);
  return { text: await readBounded(path), path, done: () => rm(folder, { recursive: true, force: true }) };
}

async function runEditor({ io }: Context, path: string): Promise<void> {
  const editor = io.env.VISUAL || io.env.EDITOR || 'vi';
  // Through a shell, because people put flags into EDITOR; the path is an argument and no part of the command.
  const child = spawn('sh', ['-c', `${editor} "$1"`, 'sh', path], { stdio: 'inherit' });
  const failure = await new Promise<string | undefined>((resolve) => {
    child.once('error', (thrown) => resolve(messageOf(thrown)));
    child.once('exit', (code, signal) => resolve(code === 0 ? undefined : `it ended with ${signal ?? code}`));
  });
  if (failure === undefined) return;
  throw new CliError('editor_failed', `Editing ${path} with ${editor}: ${failure}`, {
    data: { try: `EDITOR=nano atmosphere model manifest … --edit  # or --set ${path}` },
  });
}

async function readBounded(path: string): Promise<string> {
  const { manifestBytes } = PROTOCOL_LIMITS;
  try {
    const { size } = await stat(path);
    if (size > manifestBytes)
      throw new CliError(
        'bad_usage',
        `Reading ${path}: it has ${size} bytes, wanted a manifest of at most ${manifestBytes}`,
      );
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (thrown instanceof CliError) throw thrown;
    const reason = systemCodeOf(thrown) === 'ENOENT' ? 'there is no such file' : messageOf(thrown);
    throw new CliError('nothing_found', `Reading ${path}: ${reason}`, { cause: thrown });
  }
}
