/** One name for what several systems name differently. Spec: docs/spec/17-deployment.md §1. Pure. */

const ARCHITECTURES: Readonly<Record<string, string>> = {
  arm64: 'aarch64',
  amd64: 'x86_64',
  x64: 'x86_64',
  'x86-64': 'x86_64',
  armv7l: 'armv7',
  armhf: 'armv7',
  i386: 'x86',
  i486: 'x86',
  i586: 'x86',
  i686: 'x86',
};

/** The kernel's name: `arm64` is `aarch64`, `amd64` is `x86_64`. */
export function toArchitecture(name: string): string {
  const lower = name.trim().toLowerCase();
  return ARCHITECTURES[lower] ?? lower;
}

/** `CUDAExecutionProvider` is `cuda`. */
export function toProvider(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/executionprovider$/, '');
}
