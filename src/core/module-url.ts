/** URL of a sibling module, whether we run from TypeScript sources or from the build: for `new Worker(url)`. */
export function siblingModule(importMetaUrl: string, name: string): URL {
  return new URL(`./${name}${importMetaUrl.endsWith('.ts') ? '.ts' : '.js'}`, importMetaUrl);
}
