import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../../core/index.ts';
import { openRegistry, type Registry } from '../../registry/index.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import { NODE_LIMITS } from '../limits.ts';
import { AuditTrail } from './audit-trail.ts';

let folder: string;
let registry: Registry;
let clock: VirtualClock;
const headFile = (): string => join(folder, 'audit-head.json');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trail-'));
  registry = openRegistry(join(folder, 'db'));
  clock = new VirtualClock();
});
afterEach(() => {
  registry.close();
  rmSync(folder, { recursive: true });
});

function trail(log: Registry['auditLog'] = registry.auditLog): AuditTrail {
  return new AuditTrail({ log, headFile: headFile(), clock, logger: silentLogger });
}

const eventsOf = (one: AuditTrail) => one.read({}).map(({ event, facts }) => [event, facts]);

test('the head is in the file after a while, and at the end', async () => {
  const one = trail();
  one.note('load', { model_id: 'm' });
  expect(one.head?.seq).toBe(1);
  await clock.advance(NODE_LIMITS.auditHeadEveryMs);
  expect(JSON.parse(readFileSync(headFile(), 'utf8'))).toEqual(one.head);
  one.note('load', {});
  one[Symbol.dispose]();
  expect(JSON.parse(readFileSync(headFile(), 'utf8'))).toEqual(registry.auditLog.head());
  expect(trail().problem).toBeUndefined();
});

test('a log whose end was cut off is noticed at the next start, told by verify(), and the file is not put back', () => {
  const one = trail();
  for (let count = 0; count < 3; count += 1) one.note('load', {});
  one[Symbol.dispose]();
  const kept = readFileSync(headFile(), 'utf8');
  registry.close();
  const db = new DatabaseSync(join(folder, 'db'));
  db.exec('DROP TRIGGER audit_log_never_shrinks; DELETE FROM audit_log WHERE seq = 3');
  db.close();
  registry = openRegistry(join(folder, 'db'));
  const next = trail();
  expect(next.problem).toContain('entry 3 is missing');
  expect(next.verify().flaw).toEqual({ seq: 3, reason: 'truncated' });
  next.note('remove', {});
  next[Symbol.dispose]();
  expect(readFileSync(headFile(), 'utf8')).toBe(kept);
  expect(trail().verify().flaw).toEqual({ seq: 3, reason: 'other_log' });
});

test('a head file that is none is said, and left as it is', () => {
  writeFileSync(headFile(), 'not JSON');
  const one = trail();
  expect(one.problem).toContain('cannot be read');
  one.note('load', {});
  one[Symbol.dispose]();
  expect(readFileSync(headFile(), 'utf8')).toBe('not JSON');
});

/** A disk that is full for as long as it is said to be. */
function fullDisk(): { log: Registry['auditLog']; isFull: boolean } {
  const disk = { isFull: true, log: registry.auditLog };
  disk.log = {
    ...registry.auditLog,
    append(...args) {
      if (disk.isFull) throw new Error('database or disk is full');
      return registry.auditLog.append(...args);
    },
  };
  return disk;
}

test('on a full disk what is ordered is refused, and what happens anyway is counted and told as a gap', () => {
  const disk = fullDisk();
  const one = trail(disk.log);
  expect(() => one.insist('remove', { model_id: 'm' })).toThrow(
    expect.objectContaining({ code: 'audit_failed', kind: 'storage', retry: true }),
  );
  one.note('rollback', { model_id: 'm' });
  one.note('transfer', { model_id: 'm' });
  disk.isFull = false;
  one.insist('remove', { model_id: 'm' });
  expect(eventsOf(one)).toEqual([
    ['gap', { missed: 2 }],
    ['remove', { model_id: 'm' }],
  ]);
  expect(one.verify().flaw).toBeUndefined();
});

test('others cannot fill the log: so many entries in a while, the rest is a number', async () => {
  const one = trail();
  for (let count = 0; count < NODE_LIMITS.auditOfOthers + 50; count += 1) one.noteOfOthers('refusal', { count });
  expect(one.head?.seq).toBe(NODE_LIMITS.auditOfOthers);
  await clock.advance(NODE_LIMITS.auditWindowMs);
  one.noteOfOthers('refusal', { count: 'later' });
  expect(eventsOf(one).slice(-2)).toEqual([
    ['gap', { missed: 50 }],
    ['refusal', { count: 'later' }],
  ]);
});
