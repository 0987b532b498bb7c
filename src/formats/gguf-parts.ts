/** `name-00001-of-00003.gguf`: parts of one model. Spec: docs/spec/07-formats.md §2.6. */
const PART = /^(.+)-(\d{5})-of-(\d{5})\.gguf$/i;

export interface GgufPart {
  readonly stem: string;
  /** From 1. */
  readonly part: number;
  readonly parts: number;
}

/** Undefined for a name that is no part. */
export function parseGgufPartName(fileName: string): GgufPart | undefined {
  const match = PART.exec(fileName);
  const [stem = '', part, parts] = match?.slice(1) ?? [];
  const found = { stem, part: Number(part), parts: Number(parts) };
  return match !== null && found.part >= 1 && found.part <= found.parts ? found : undefined;
}
