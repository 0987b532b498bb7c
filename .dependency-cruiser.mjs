/** The import rules of ARCHITECTURE.md as rules of the gate; the table is tools/layers.json. */
import { readFileSync } from 'node:fs';

const layers = JSON.parse(readFileSync(new URL('./tools/layers.json', import.meta.url), 'utf8'));

const areaRules = Object.entries(layers).map(([area, allowed]) => ({
  name: `${area}-imports`,
  comment: `src/${area} may import ${allowed.length === 0 ? 'no other area' : allowed.join(', ')}: arrows point one way (ARCHITECTURE.md)`,
  severity: 'error',
  from: { path: `^src/${area}/`, pathNot: '\\.(test|conformance|fixture)\\.ts$' },
  to: { path: '^src/', pathNot: `^src/(${[area, ...allowed].join('|')})/` },
}));

const doorRules = Object.keys(layers).map((area) => ({
  name: `${area}-door`,
  comment: `Other areas enter src/${area} by its index.ts only`,
  severity: 'error',
  from: {
    path: '^(src|e2e|examples|bench|chaos|demo)/',
    pathNot: [`^src/${area}/`, '\\.(test|fixture)\\.ts$', '^src/testkit/'],
  },
  to: { path: `^src/${area}/`, pathNot: [`^src/${area}/index\\.ts$`, '^src/testkit/'] },
}));

export default {
  forbidden: [
    ...areaRules,
    ...doorRules,
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'testkit-stays-home',
      comment: 'The testkit is for tests, demo and benchmarks; nothing that ships imports it',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/testkit/', '\\.(test|conformance|fixture)\\.ts$'] },
      to: { path: '^src/testkit/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs', '.json'] },
  },
};
