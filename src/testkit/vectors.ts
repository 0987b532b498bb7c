/** Walks the language-neutral test vectors: every file of a topic, every case in it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..', 'vectors');

/** Cases of `vectors/<topic>/*.json`, each named `file: case`. A topic without cases is an error, not a pass. */
export function vectorCases<Case extends { readonly name: string }>(topic: string, file?: string): [string, Case][] {
  const folder = join(ROOT, topic);
  const files = readdirSync(folder).filter((name) => name.endsWith('.json') && (file === undefined || name === file));
  const cases = files.flatMap((name) => {
    const parsed = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { cases: Case[] };
    return parsed.cases.map((one): [string, Case] => [`${name}: ${one.name}`, one]);
  });
  if (cases.length === 0) throw new Error(`vectors/${topic}/${file ?? ''} holds no cases`);
  return cases;
}
