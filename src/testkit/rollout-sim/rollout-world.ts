/**
 * A rollout over a simulated fleet, with the decisions that ship, on a clock of its own: nodes that come and go, fail and hang,
 * coordinators that die, a mesh in two parts. Whatever happens, `laws` are looked at after every step.
 */
import { type NodeId, type Random, seededRandom } from '../../core/index.ts';
import {
  changeRollout,
  planRollout,
  planTakeover,
  type RolloutChange,
  renewMsOf,
  startRollout,
  takeOver,
} from '../../deploy/index.ts';
import type { Rollout, RolloutSpec, RolloutState } from '../../protocol/index.ts';
import { RolloutBoard } from './rollout-board.ts';
import type { SimNode } from './sim-node.ts';

export const STEP_MS = 5_000;
const START_MS = 1_800_000_000_000;

export interface WorldOptions {
  readonly spec: RolloutSpec;
  readonly nodes: readonly SimNode[];
  readonly seed: number;
  /** The share of nodes that go away in a step, and the share of those away that return. */
  readonly leave?: number;
  readonly comeBack?: number;
  /** The share of steps in which the coordinator dies. */
  readonly coordinatorDies?: number;
}

/** Looked at after each step; throws for what must never be. */
export type Law = (world: RolloutWorld, before: RolloutState | undefined) => void;

export class RolloutWorld {
  readonly options: WorldOptions;
  readonly random: Random;
  nowMs = START_MS;
  /** The most nodes that had been given the version at one time. */
  takeovers = 0;
  records = 0;
  /** One, or two while the mesh is in two parts. */
  #boards: RolloutBoard[] = [new RolloutBoard()];
  readonly #saidAtMs = new Map<NodeId, number>();

  constructor(options: WorldOptions) {
    this.options = options;
    this.random = seededRandom(options.seed);
    for (const node of options.nodes) node.tellOn(this.#boards[0] as RolloutBoard, this.nowMs);
    const [first] = this.deployers();
    if (first !== undefined) this.#publish(first, startRollout(options.spec, first.nodeId, this.nowMs));
  }

  get rollout(): Rollout {
    return this.boardOf(0).merged?.rollout as Rollout;
  }

  boardOf(index: number): RolloutBoard {
    return this.#boards[index % this.#boards.length] as RolloutBoard;
  }

  deployers(): SimNode[] {
    return this.options.nodes.filter(({ options, online }) => options.mayDeploy && online);
  }

  /** Nodes of even number on the one side, those of odd number on the other. */
  split(): void {
    const other = new RolloutBoard();
    other.takeAll(this.boardOf(0));
    if (this.#boards.length === 1) this.#boards.push(other);
  }

  heal(): void {
    const [first, second] = this.#boards;
    if (first !== undefined && second !== undefined) first.takeAll(second);
    this.#boards = [first as RolloutBoard];
  }

  /** Somebody at a node changes its course, as `rollout pause` and the like do. False where it cannot be changed. */
  change(change: RolloutChange): boolean {
    const [node] = this.deployers();
    if (node === undefined) return false;
    const state = changeRollout(this.rollout.state, change, { why: change, nowMs: this.nowMs });
    if (state === undefined) return false;
    this.#publish(node, { ...this.rollout, state: takeOver(state, node.nodeId, this.nowMs) });
    return true;
  }

  step(laws: readonly Law[] = []): void {
    const before = this.boardOf(0).merged?.rollout.state;
    this.nowMs += STEP_MS;
    this.#comeAndGo();
    for (const [index, node] of this.options.nodes.entries()) if (node.online) this.#act(node, this.boardOf(index));
    for (const law of laws) law(this, before);
  }

  /** Until nothing is left to do, and everybody is here and still. Resolves with the steps that it took; throws after `most`. */
  run(laws: readonly Law[] = [], most = 20_000): number {
    let steps = 0;
    while (!this.#isOver()) {
      if (steps >= most)
        throw new Error(`not over after ${steps} steps: ${JSON.stringify(this.rollout.state.results)}`);
      this.step(laws);
      steps += 1;
    }
    return steps;
  }

  /** Those who were away come back, and have the time they need. */
  settle(): void {
    this.heal();
    for (const node of this.options.nodes) node.online = true;
    for (let step = 0; step < 40; step += 1) {
      this.nowMs += STEP_MS;
      for (const node of this.options.nodes) this.#act(node, this.boardOf(0));
    }
  }

  #isOver(): boolean {
    return this.#boards.length === 1 && ['done', 'rolled_back', 'aborted'].includes(this.rollout.state.phase);
  }

  #comeAndGo(): void {
    const { nodes, leave = 0, comeBack = 0.05, coordinatorDies = 0 } = this.options;
    for (const node of nodes) {
      const share = node.online ? leave : comeBack;
      if (this.random.next() < share) node.online = !node.online;
    }
    const coordinator = nodes.find(({ nodeId }) => nodeId === this.rollout.state.coordinator);
    if (coordinator !== undefined && this.random.next() < coordinatorDies) coordinator.online = false;
  }

  #act(node: SimNode, board: RolloutBoard): void {
    const rollout = board.merged?.rollout;
    if (rollout === undefined) return;
    if (node.act(rollout, this.nowMs, this.random)) node.tellOn(board, this.nowMs);
    if (node.options.mayDeploy) this.#coordinate(node, board, rollout);
  }

  #coordinate(node: SimNode, board: RolloutBoard, rollout: Rollout): void {
    if (rollout.state.coordinator === node.nodeId) this.#plan(node, board, rollout);
    else {
      const silentMs = this.nowMs - board.heardAtMs;
      const candidates = this.#here(board).filter(({ options, online }) => options.mayDeploy && online);
      const question = { rollout, self: node.nodeId, candidates: candidates.map(({ nodeId }) => nodeId), silentMs };
      if (!planTakeover(question).take) return;
      this.takeovers += 1;
      this.#publish(node, { ...rollout, state: takeOver(rollout.state, node.nodeId, this.nowMs) }, board);
    }
  }

  #plan(node: SimNode, board: RolloutBoard, rollout: Rollout): void {
    const statuses = new Map([...board.statuses].map(([nodeId, { entries }]) => [nodeId, entries]));
    const here = new Set(this.#here(board));
    const nodes = this.options.nodes.map((other) => ({
      ...other.asRolloutNode,
      online: other.online && here.has(other),
    }));
    const { state, done } = planRollout(rollout.state, { spec: rollout.spec, nodes, statuses, nowMs: this.nowMs });
    const sinceMs = this.nowMs - (this.#saidAtMs.get(node.nodeId) ?? 0);
    const isSame = JSON.stringify(state) === JSON.stringify(rollout.state);
    if (!isSame || (!done && sinceMs >= renewMsOf(rollout.spec))) this.#publish(node, { ...rollout, state }, board);
  }

  #here(board: RolloutBoard): SimNode[] {
    return this.options.nodes.filter((_node, index) => this.boardOf(index) === board);
  }

  #publish(node: SimNode, rollout: Rollout, board = this.boardOf(0)): void {
    this.records += 1;
    this.#saidAtMs.set(node.nodeId, this.nowMs);
    board.publish(rollout, node.nodeId, this.nowMs);
  }
}
