/** `model manifest`: what is shown, and the ways to change it. Nothing that somebody wrote is lost when it is not taken. */
import type { ManifestAnswer } from '../api/index.ts';
import {
  type ManifestVocabulary,
  parseManifest,
  parseManifestText,
  shortManifest,
  toManifestDocument,
  toManifestYaml,
} from '../protocol/index.ts';
import { withHome } from './advice.ts';
import type { Context } from './context.ts';
import { editText, readManifestFile, readManifestPart } from './manifest-file.ts';
import type { ModelRef } from './model-ref.ts';

/** The manifest on stdout, alone, so that it can be a file; what else there is to know on stderr. */
export function answerManifest(context: Context, answer: ManifestAnswer, vocabulary: ManifestVocabulary): void {
  const manifest = parseManifest(answer.manifest);
  context.out.answer(toManifestDocument(manifest, vocabulary), () =>
    toManifestYaml(manifest, vocabulary).trimEnd().split('\n'),
  );
  for (const line of toNotes(answer)) context.out.note(line);
}

function toNotes(answer: ManifestAnswer): string[] {
  const { signer, withdrawn, may_write, own_words, estimated_vram_mb, lineage, lineage_problem } = answer;
  const notes: (string | undefined)[] = [
    signer === null
      ? `signed by nobody${may_write ? '; --publish signs it and tells the mesh' : ''}`
      : `signed by ${signer.name}`,
    withdrawn ? 'withdrawn: nothing is deployed by it; --publish takes it up again' : undefined,
    own_words.length > 0 ? `said by this machine's owner: ${own_words.join(', ')}` : undefined,
    estimated_vram_mb > 0 ? `takes about ${estimated_vram_mb} MiB of video memory` : undefined,
    lineage.length > 0 ? `made from ${lineage.map(({ ref }) => ref).join(' ← ')}` : undefined,
    lineage_problem,
  ];
  return notes.filter((note) => note !== undefined);
}

/** Throws ProtocolError `bad_document`; RemoteError `manifest_mismatch`, `not_permitted`, … */
export async function changeByFile(
  context: Context,
  ref: ModelRef,
  path: string,
  partial: boolean,
): Promise<ManifestAnswer> {
  const manifest = partial ? await readManifestPart(path) : shortManifest((await readManifestFile(path)).manifest);
  return context.call('modelDescribe', { body: { ...ref, manifest, partial } });
}

/** The same, of what the user makes of it in the editor. */
export async function changeByEditor(
  context: Context,
  ref: ModelRef,
  name: string,
  vocabulary: ManifestVocabulary = 'atmosphere',
): Promise<ManifestAnswer> {
  const before = await context.call('modelManifest', { query: ref });
  const { signature: _by, revision: _which, ...shown } = parseManifest(before.manifest);
  const text = toManifestYaml(parseManifest(shown), vocabulary);
  const edited = await editText(context, text);
  if (edited.text === text) {
    await edited.done();
    context.out.note('nothing was changed');
    return before;
  }
  try {
    const manifest = shortManifest(parseManifestText(edited.text).manifest);
    const answer = await context.call('modelDescribe', { body: { ...ref, manifest, partial: false } });
    await edited.done();
    return answer;
  } catch (thrown) {
    context.out.warn(`what you wrote is kept: ${edited.path}`);
    const again = withHome(`atmosphere model manifest ${name} --whole --set ${edited.path}`, context.homeFlag);
    context.out.warn(`correct it, then: ${again}`);
    throw thrown;
  }
}
