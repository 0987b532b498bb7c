import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linePackage, PackageBench, type PackageProcess, tree } from './install.fixture.ts';

/** Some thirty lives, each on a disk of its own. */
const PATIENCE_MS = 90_000;
/** Whoever is killed loses nothing that was written: hundreds of homes need no disk that turns. */
const WHERE = { parent: existsSync('/dev/shm') ? '/dev/shm' : tmpdir() };

interface Story {
  readonly about: string;
  /** Installed before. */
  readonly before: readonly string[];
  readonly act: (bench: PackageBench, node: PackageProcess) => Promise<unknown>;
  /** A step that fails after the commit: the node goes back. */
  readonly failing?: readonly [call: string, version: string];
}

const importOf = (version: string) => async (bench: PackageBench, node: PackageProcess) => {
  return await node.import(await bench.pack(linePackage(version)));
};

const STORIES: readonly Story[] = [
  { about: 'a first import', before: [], act: importOf('1.0') },
  { about: 'a third version', before: ['1.0', '1.1'], act: importOf('1.2') },
  { about: 'a removal', before: ['1.0', '1.1'], act: (_bench, node) => node.remove() },
  { about: 'a rollback', before: ['1.0', '1.1'], act: (_bench, node) => node.rollback() },
  {
    about: 'an import whose models cannot be placed',
    before: ['1.0'],
    act: importOf('1.1'),
    failing: ['models.install', '1.1'],
  },
  {
    about: 'a first import whose configuration cannot be placed',
    before: [],
    act: importOf('1.0'),
    failing: ['config.apply', '1.0'],
  },
];

describe.each(STORIES)('kill -9 at every call of $about', ({ before, act, failing }) => {
  const template = new PackageBench(WHERE);
  let states: { readonly before: State; readonly after: State };

  beforeAll(async () => {
    const node = await template.start();
    for (const version of before) await importOf(version)(template, node);
    await node.end();
    const beforehand = await stateOf(template);
    const undisturbed = copyOf(template);
    await live(undisturbed, act, failing);
    states = { before: beforehand, after: await stateOf(undisturbed) };
    await undisturbed[Symbol.asyncDispose]();
  });
  afterAll(() => template[Symbol.asyncDispose]());

  it(
    'leaves the node as before or as after, and the next try ends as if nothing had happened',
    async () => {
      let endAt = 0;
      for (let isEnded = true; isEnded; endAt += 1) {
        const bench = copyOf(template);
        isEnded = await live(bench, act, failing, endAt);
        const { journal, ...state } = await stateOf(bench);
        const { journal: _none, ...wanted } = isSame(state, states.after) ? states.after : states.before;
        expect({ endAt, ...state, blobs: undefined }).toEqual({ endAt, ...wanted, blobs: undefined });
        expect(journal.filter((step) => step !== 'stopped')).toEqual([]);
        if (journal.length > 0 || !isSame(state, states.after)) await live(bench, act, failing);
        expect({ endAt, ...(await stateOf(bench)) }).toEqual({ endAt, ...states.after });
        await bench[Symbol.asyncDispose]();
      }
      expect(endAt).toBeGreaterThan(10);
    },
    PATIENCE_MS,
  );
});

type State = Awaited<ReturnType<typeof stateOf>>;

/** What is seen, and which contents are in the store: nothing is left in there that nobody needs. */
async function stateOf(bench: PackageBench) {
  const state = await bench.state();
  const blobs = Object.entries(tree(join(bench.home, 'blobs'))).map(([name, text]) =>
    text.startsWith('{"action":"created"') ? 'custody, with the times of its lines' : name,
  );
  return {
    ...state,
    blobs: blobs.sort(),
    parts: Object.keys(tree(join(bench.home, 'parts'))),
  };
}

function isSame(state: Omit<State, 'journal'>, other: State): boolean {
  return (
    JSON.stringify(state.rows) === JSON.stringify(other.rows) &&
    JSON.stringify(state.models) === JSON.stringify(other.models)
  );
}

/** One life of a process: true where it ended at that moment, false where it came to its end. */
async function live(
  bench: PackageBench,
  act: Story['act'],
  failing: Story['failing'],
  endAt?: number,
): Promise<boolean> {
  if (failing !== undefined) bench.failing.set(...failing);
  const node = await bench.start(endAt);
  const done = act(bench, node).then(
    () => false,
    () => false,
  );
  const isEnded = await Promise.race([node.ended.then(() => true), done]);
  await node.end();
  await bench.closeSources();
  return isEnded;
}

function copyOf(template: PackageBench): PackageBench {
  const bench = new PackageBench(WHERE);
  rmSync(bench.home, { recursive: true, force: true });
  if (readdirSync(template.folder).includes('home'))
    cpSync(template.home, bench.home, { recursive: true, verbatimSymlinks: true });
  return bench;
}
