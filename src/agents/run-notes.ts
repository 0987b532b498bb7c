/**
 * Which processes this node has started for agents, on disk, so that a node whose daemon was killed ends them before it starts
 * anything. A note is written right after its process began and removed after its end; what a crash leaves between the two is found by the
 * mark in the environment. Spec: docs/spec/23-agents.md §3.4.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../core/index.ts';
import { AGENTS_LIMITS } from './limits.ts';
import { processesWith, processMark, signalGroup } from './process-table.ts';
import { segmentOf, type WantedAgent } from './wanted-agent.ts';

/** In the environment of every agent: whose it is. */
export const OWNER_VARIABLE = 'ATMOSPHERE_AGENT_OWNER';

interface Note {
  readonly pid: number;
  readonly mark: string;
}

export class RunNotes {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** At once: a crash after this line finds the process again. Throws what the file system throws. */
  write(agent: WantedAgent, pid: number): void {
    const note = { pid, mark: processMark(pid) ?? '', package: agent.packageId, agent: agent.id };
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    writeFileSync(this.#fileOf(agent), JSON.stringify(note), { mode: 0o600 });
  }

  forget(agent: WantedAgent): void {
    rmSync(this.#fileOf(agent), { force: true });
  }

  /** Ends what an earlier daemon of this owner left, politely first; resolves when it is gone, or cannot be ended. */
  async endOrphans(owner: string, clock: Clock): Promise<number> {
    const left = this.#orphans(owner);
    if (left.length > 0) {
      for (const { pid } of left) signalBoth(pid, 'SIGTERM');
      if (!(await allGone(left, AGENTS_LIMITS.stopGraceMs, clock))) {
        for (const one of left.filter(isThere)) signalBoth(one.pid, 'SIGKILL');
        await allGone(left, AGENTS_LIMITS.killGraceMs, clock);
      }
    }
    rmSync(this.#folder, { recursive: true, force: true });
    return left.length;
  }

  #orphans(owner: string): Note[] {
    const noted = this.#notes().filter(isThere);
    const marked = processesWith(OWNER_VARIABLE, owner)
      .filter((pid) => pid !== process.pid && pid !== process.ppid && !noted.some((note) => note.pid === pid))
      .map((pid) => ({ pid, mark: processMark(pid) ?? '' }));
    return [...noted, ...marked].filter(isThere);
  }

  #notes(): Note[] {
    try {
      return readdirSync(this.#folder).flatMap((name) => readNote(join(this.#folder, name)));
    } catch {
      return [];
    }
  }

  #fileOf({ packageId, id }: WantedAgent): string {
    return join(this.#folder, `${segmentOf(packageId)}@${segmentOf(id)}.json`);
  }
}

function readNote(file: string): Note[] {
  try {
    if (statSync(file).size > AGENTS_LIMITS.noteBytes) return [];
    const { pid, mark } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Note>;
    const isWhole = Number.isSafeInteger(pid) && (pid ?? 0) > 1 && typeof mark === 'string';
    return isWhole ? [{ pid: pid as number, mark: mark as string }] : [];
  } catch {
    return [];
  }
}

function isThere({ pid, mark }: Note): boolean {
  return mark !== '' && processMark(pid) === mark;
}

/** Its group if it leads one, and itself. */
function signalBoth(pid: number, signal: NodeJS.Signals): void {
  signalGroup(pid, signal);
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended.
  }
}

async function allGone(notes: readonly Note[], withinMs: number, clock: Clock): Promise<boolean> {
  const deadlineMs = clock.monotonicMs() + withinMs;
  while (notes.some(isThere)) {
    if (clock.monotonicMs() >= deadlineMs) return false;
    await new Promise<void>((resolve) => clock.after(AGENTS_LIMITS.orphanLookMs, resolve));
  }
  return true;
}
