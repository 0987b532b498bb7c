/** A path inside a model's folder, as strict as the mesh's own rule (docs/spec/04-catalog.md §2). */
const SEGMENT = /^(?!\.{1,2}$)(?!(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))[^\p{Cc}<>:"|?*\\/]*[^\p{Cc}<>:"|?*\\/. ]$/iu;

export function isSafeRelativePath(path: string): boolean {
  return path.length <= 1024 && path.split('/').every((segment) => segment.length <= 200 && SEGMENT.test(segment));
}
