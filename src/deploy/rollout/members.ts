/** The nodes of a rollout's waves with what became of each, and how the state writes them. Spec: docs/spec/19-rollout.md §2. Pure. */
import type { NodeId } from '../../core/index.ts';
import type { RolloutState } from '../../protocol/index.ts';

/** Not answered, well, failed, silent, back, failed and back, could not go back. */
export type Mark = '.' | '+' | '-' | '~' | '<' | 'x' | '!';

export interface Member {
  readonly nodeId: NodeId;
  readonly mark: Mark;
  /** Had a version of the model in force when it was chosen. */
  readonly had: boolean;
}

export type Waves = readonly (readonly Member[])[];

export function readMembers({ waves, results, before }: RolloutState): Waves {
  return waves.map((wave, index) =>
    wave.map((nodeId, at) => ({
      nodeId: nodeId as NodeId,
      mark: (results[index]?.[at] ?? '.') as Mark,
      had: before[index]?.[at] !== 'n',
    })),
  );
}

export function writeMembers(waves: Waves): Pick<RolloutState, 'waves' | 'results' | 'before'> {
  return {
    waves: waves.map((wave) => wave.map(({ nodeId }) => nodeId)),
    results: waves.map((wave) => wave.map(({ mark }) => mark).join('')),
    before: waves.map((wave) => wave.map(({ had }) => (had ? 'p' : 'n')).join('')),
  };
}

/** Into the last wave; into a first one where there is none yet. */
export function addMembers(waves: Waves, members: readonly Member[]): Waves {
  if (members.length === 0) return waves;
  return [...waves.slice(0, -1), [...(waves.at(-1) ?? []), ...members]];
}

export function countMarks(waves: Waves, marks: readonly Mark[]): number {
  return waves.flat().filter(({ mark }) => marks.includes(mark)).length;
}

const FAILURES: readonly Mark[] = ['-', '~', 'x', '!'];

export function failuresOf(waves: Waves): number {
  return countMarks(waves, FAILURES);
}
