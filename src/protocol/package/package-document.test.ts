import { expect, test } from 'vitest';
import { PROTOCOL_LIMITS } from '../limits.ts';
import { parsePackageManifest } from './package-manifest.ts';

const { packageMarks, packageManifestBytes } = PROTOCOL_LIMITS;

/** What takes YAML's reader long: many items, names, mistakes. One more of them than are read. */
const HOSTILE: readonly (readonly [string, string, string, number])[] = [
  ['lists in lists', '', `${'- '.repeat(16)}\n`, 17],
  ['names in one line', 'a: ', 'b: ', 1],
  ['names in a mapping', '', 'a: 1\n', 2],
  ['wrong escapes', 'a: "', '\\q', 1],
  ['brackets that close nothing', '', '} ', 1],
  ['tags', '', '- !x a\n', 3],
  ['directives', '', '%A b\n', 2],
  ['documents', '', '---\n', 2],
  ['questions', 'a:\n', '  - ? - ?\n', 5],
  ['lines of another system', 'a: x', '\r ', 1],
];

test.each(HOSTILE)('%s are counted before they are read', (_name, before, item, marks) => {
  const text = before + item.repeat(packageMarks / marks + 1);
  expect(() => parsePackageManifest(text)).toThrow(/marks of YAML, wanted at most 60000/);
});

test.each(HOSTILE)('as many %s as are read hold nobody up', (_name, before, item, marks) => {
  const text = before + item.repeat(packageMarks / marks - 2);
  expect(cpuMsOf(() => expect(() => parsePackageManifest(text)).toThrow())).toBeLessThan(2500);
});

test.each([':', '- - -x', '|', ' ', 'x ', '`'])('nor does as much of %j as is read', (item) => {
  const text = `a: ${item.repeat(packageManifestBytes / 8 / item.length)}`;
  expect(cpuMsOf(() => expect(() => parsePackageManifest(text)).toThrow())).toBeLessThan(2500);
});

/** Of this thread alone, so that a busy machine does not count. */
function cpuMsOf(act: () => void): number {
  const before = process.threadCpuUsage();
  act();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}
