/** The checks of the gate, quickest first. Each is a command; test runners also report their counts. */
export interface Step {
  readonly name: string;
  readonly command: readonly string[];
  /** In `npm run check` too? */
  readonly quick: boolean;
  /** Vitest writes its counts here. */
  readonly report?: string;
  /** What to try when it fails. */
  readonly advice: string;
}

export const STEPS: readonly Step[] = [
  {
    name: 'format and lint',
    command: ['biome', 'ci', '--error-on-warnings', '.'],
    quick: true,
    advice: 'npm run format mends most of it',
  },
  { name: 'types', command: ['tsc', '-p', '.'], quick: true, advice: 'npx tsc -p .' },
  {
    name: 'layers',
    command: [
      'depcruise',
      '--config',
      '.dependency-cruiser.mjs',
      '--output-type',
      'err',
      'src',
      'e2e',
      'examples',
      'demo',
      'chaos',
    ],
    quick: true,
    advice: 'the table is tools/layers.json; ARCHITECTURE.md says why',
  },
  {
    name: 'dead code',
    command: ['knip', '--no-progress'],
    quick: true,
    advice: 'delete it, or export it where it is used',
  },
  { name: 'docs', command: ['node', 'tools/docs.ts', '--check'], quick: true, advice: 'npm run docs' },
  {
    name: 'unit and conformance tests',
    command: ['vitest', 'run', '--reporter=default', '--reporter=json', '--outputFile=.cache/unit.json'],
    quick: false,
    report: '.cache/unit.json',
    advice: 'npx vitest run FILE',
  },
  {
    name: 'examples',
    command: ['node', 'tools/examples.ts'],
    quick: false,
    advice: 'node examples/NAME.ts',
  },
  {
    name: 'end-to-end tests',
    command: [
      'vitest',
      'run',
      '--config',
      'e2e/vitest.config.ts',
      '--reporter=default',
      '--reporter=json',
      '--outputFile=.cache/e2e.json',
    ],
    quick: false,
    report: '.cache/e2e.json',
    advice: 'npx vitest run --config e2e/vitest.config.ts',
  },
  {
    name: 'chaos',
    command: ['node', 'chaos/main.ts', '--runs', '12', '--seed', '43', '--report', '.cache/chaos.json'],
    quick: false,
    report: '.cache/chaos.json',
    advice: 'the command that a failing run prints',
  },
];
