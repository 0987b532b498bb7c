/** Homes and missions in a folder of their own, for tests. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openIdentity } from '../trust/index.ts';

export interface TestFolder extends Disposable {
  readonly path: string;
  /** Writes files, each with the same time. */
  write(files: Readonly<Record<string, string | Buffer>>): void;
}

const TIME = new Date('2026-03-01T08:00:00Z');

export function testFolder(): TestFolder {
  const path = mkdtempSync(join(tmpdir(), 'packing-'));
  return {
    path,
    write(files) {
      for (const [name, content] of Object.entries(files)) {
        const file = join(path, name);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, content);
        utimesSync(file, TIME, TIME);
      }
    },
    [Symbol.dispose]() {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** A home whose node is its mesh’s authority. */
export function makeHome(path: string): string {
  openIdentity(path, { nodeName: 'workshop', nowMs: Date.parse('2026-01-01T00:00:00Z') });
  return path;
}
