/** Versions as Python packages have them (PEP 440), as far as releases are compared. Pure. */

/** Epoch, release, pre-release, post-release, development release; the local part after `+` says nothing here. */
export interface PythonVersion {
  readonly release: readonly number[];
  /** Sorts after the release: development, alpha, beta, candidate, final, post. */
  readonly rest: readonly [epoch: number, phase: number, pre: number, post: number, dev: number];
}

const SHAPE =
  /^v?(?:(\d{1,9})!)?(\d{1,9}(?:\.\d{1,9})*)(?:[-_.]?(a|alpha|b|beta|c|rc|pre|preview)[-_.]?(\d{0,9}))?(?:[-_.]?(post|rev|r)[-_.]?(\d{0,9})|-(\d{1,9}))?(?:[-_.]?(dev)[-_.]?(\d{0,9}))?(?:\+[a-z0-9._-]+)?$/i;

const PHASES: Readonly<Record<string, number>> = { a: 1, alpha: 1, b: 2, beta: 2, c: 3, rc: 3, pre: 3, preview: 3 };
const FINAL_PHASE = 4;
const NO_DEV = Number.MAX_SAFE_INTEGER;

/** Undefined for what is no version of Python's kind. */
export function readPythonVersion(text: string): PythonVersion | undefined {
  const match = SHAPE.exec(text.trim());
  if (match === null) return undefined;
  const [, epoch, release = '0', pre, preNumber, post, postNumber, shortPost, dev, devNumber] = match;
  const hasPost = post !== undefined || shortPost !== undefined;
  const devOnly = dev !== undefined && pre === undefined && !hasPost;
  return {
    release: release.split('.').map(Number),
    rest: [
      Number(epoch ?? 0),
      pre === undefined ? (devOnly ? 0 : FINAL_PHASE) : (PHASES[pre.toLowerCase()] ?? FINAL_PHASE),
      Number(preNumber || 0),
      hasPost ? Number(postNumber || shortPost || 0) + 1 : 0,
      dev === undefined ? NO_DEV : Number(devNumber || 0),
    ],
  };
}

/** Negative when `a` is older. `1.0` is `1.0.0`. */
export function comparePythonVersions(a: PythonVersion, b: PythonVersion): number {
  const epochs = a.rest[0] - b.rest[0];
  if (epochs !== 0) return epochs;
  const releases = compareReleases(a.release, b.release);
  if (releases !== 0) return releases;
  for (let index = 1; index < a.rest.length; index += 1) {
    const order = (a.rest[index] ?? 0) - (b.rest[index] ?? 0);
    if (order !== 0) return order;
  }
  return 0;
}

function compareReleases(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const order = (a[index] ?? 0) - (b[index] ?? 0);
    if (order !== 0) return order;
  }
  return 0;
}

/** Whether the first fields of `version` are those of `prefix`: `1.26.4` begins with `1.26`. */
export function hasReleasePrefix(version: PythonVersion, prefix: readonly number[]): boolean {
  return prefix.every((field, index) => (version.release[index] ?? 0) === field);
}
