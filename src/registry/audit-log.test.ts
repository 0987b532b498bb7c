import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { REGISTRY_LIMITS } from './limits.ts';
import { openRegistry, type Registry } from './registry.ts';

const AT = 1_800_000_000_000;
let folder: string;
let registry: Registry;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  registry = openRegistry(join(folder, 'db'));
});
afterEach(() => {
  registry.close();
  rmSync(folder, { recursive: true });
});

/** As somebody with the file in hand, who takes the triggers away first. */
function tamper(sql: string): void {
  registry.close();
  const db = new DatabaseSync(join(folder, 'db'));
  db.exec(`DROP TRIGGER audit_log_never_changes; DROP TRIGGER audit_log_never_shrinks; ${sql}`);
  db.close();
  registry = openRegistry(join(folder, 'db'));
}

function fill(count: number): void {
  for (let number = 1; number <= count; number += 1)
    registry.auditLog.append('transfer', { model_id: `model-${number}`, who: 'node' }, AT + number);
}

describe('audit log', () => {
  it('chains entries from the first on, over restarts, and verifies', () => {
    fill(3);
    const before = registry.auditLog.head();
    registry.close();
    registry = openRegistry(join(folder, 'db'));
    const next = registry.auditLog.append('consent', { source: 'mirror' }, AT + 9);
    expect(next).toMatchObject({ seq: 4, at: AT + 9, event: 'consent', previous: before?.hash });
    expect(registry.auditLog.read({ limit: 1 })).toEqual([next]);
    expect(registry.auditLog.verify(before)).toEqual({
      entries: 4,
      head: { seq: 4, hash: next.hash },
      flaw: undefined,
    });
  });

  it('an empty one verifies, and lacks the head that was seen before', () => {
    expect(registry.auditLog.verify()).toEqual({ entries: 0, head: undefined, flaw: undefined });
    expect(registry.auditLog.verify({ seq: 1, hash: 'ab' }).flaw).toEqual({ seq: 1, reason: 'truncated' });
  });

  it('the database refuses to change or delete entries', () => {
    fill(1);
    const db = new DatabaseSync(join(folder, 'db'));
    expect(() => db.exec("UPDATE audit_log SET event = 'load'")).toThrow('append-only');
    expect(() => db.exec('DELETE FROM audit_log')).toThrow('append-only');
    const again = 'INSERT OR REPLACE INTO audit_log SELECT * FROM audit_log WHERE seq = 1';
    expect(() => db.exec(again)).toThrow('append-only');
    db.close();
  });

  it.each([
    [
      'the facts of an entry',
      `UPDATE audit_log SET json = '{"who":"other"}' WHERE seq = 2`,
      { seq: 2, reason: 'changed' },
    ],
    ['the facts, to what is no JSON', "UPDATE audit_log SET json = 'x' WHERE seq = 2", { seq: 2, reason: 'changed' }],
    ['its time', 'UPDATE audit_log SET at = at + 1 WHERE seq = 2', { seq: 2, reason: 'changed' }],
    ['its kind', "UPDATE audit_log SET event = 'load' WHERE seq = 3", { seq: 3, reason: 'changed' }],
    ['its digest', `UPDATE audit_log SET hash = '${'0'.repeat(64)}' WHERE seq = 1`, { seq: 1, reason: 'changed' }],
    ['an entry in the middle, gone', 'DELETE FROM audit_log WHERE seq = 2', { seq: 2, reason: 'missing' }],
    ['the first, gone', 'DELETE FROM audit_log WHERE seq = 1', { seq: 1, reason: 'missing' }],
    ['all, gone', 'DELETE FROM audit_log', { seq: 1, reason: 'truncated' }],
    ['the end, cut off', 'DELETE FROM audit_log WHERE seq = 3', { seq: 3, reason: 'truncated' }],
  ])('verify() finds %s', (_what, sql, flaw) => {
    fill(3);
    const known = registry.auditLog.head();
    tamper(sql);
    expect(registry.auditLog.verify(known).flaw).toEqual(flaw);
  });

  it('verify() finds a log that was written anew from some entry on', () => {
    fill(3);
    const known = registry.auditLog.head();
    tamper('DELETE FROM audit_log WHERE seq = 3');
    registry.auditLog.append('load', {}, AT);
    registry.auditLog.append('load', {}, AT);
    expect(registry.auditLog.verify(known).flaw).toEqual({ seq: 3, reason: 'other_log' });
    expect(registry.auditLog.verify().flaw).toBeUndefined();
    expect(known !== undefined && registry.auditLog.holds(known)).toBe(false);
  });

  it('read() goes on behind a cursor, filters, and gives at most a page', () => {
    fill(REGISTRY_LIMITS.auditPage + 5);
    registry.auditLog.append('refusal', {}, AT + 5000);
    const last = registry.auditLog.read({ limit: 2 });
    expect(last.map(({ seq }) => seq)).toEqual([REGISTRY_LIMITS.auditPage + 5, REGISTRY_LIMITS.auditPage + 6]);
    expect(registry.auditLog.read({ after: 0, limit: 1_000_000 })).toHaveLength(REGISTRY_LIMITS.auditPage);
    expect(
      registry.auditLog
        .read({ after: REGISTRY_LIMITS.auditPage })
        .map(({ seq }) => seq)
        .at(0),
    ).toBe(1001);
    expect(registry.auditLog.read({ event: 'refusal' })).toHaveLength(1);
    expect(registry.auditLog.read({ sinceMs: AT + 1004 })).toHaveLength(3);
    expect(registry.auditLog.verify().entries).toBe(REGISTRY_LIMITS.auditPage + 6);
  });

  it('what is too long for an entry leaves its digest and its beginning', () => {
    const entry = registry.auditLog.append('order', { text: 'ü'.repeat(10_000) }, AT);
    expect(Buffer.byteLength(JSON.stringify(entry.facts))).toBeLessThan(REGISTRY_LIMITS.auditFactsBytes);
    expect(entry.facts).toMatchObject({ bytes: 20_011, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(registry.auditLog.verify().flaw).toBeUndefined();
  });

  it('facts are sealed as they will be read: undefined is absent, dates are text', () => {
    registry.auditLog.append('load', { who: undefined, when: new Date(AT) }, AT);
    expect(registry.auditLog.read({})[0]?.facts).toEqual({ when: new Date(AT).toISOString() });
    expect(registry.auditLog.verify().flaw).toBeUndefined();
  });
});

describe('consents', () => {
  it('are kept over restarts, the first word of each, until taken back', () => {
    registry.consents.put({ source: 'mirror https://cdn.example', givenAtMs: 1, how: 'command' });
    registry.consents.put({ source: 'mirror https://cdn.example', givenAtMs: 2, how: 'flag' });
    registry.close();
    registry = openRegistry(join(folder, 'db'));
    expect(registry.consents.list()).toEqual([{ source: 'mirror https://cdn.example', givenAtMs: 1, how: 'command' }]);
    expect([registry.consents.has('mirror https://cdn.example'), registry.consents.has('other')]).toEqual([
      true,
      false,
    ]);
    expect([registry.consents.delete('other'), registry.consents.delete('mirror https://cdn.example')]).toEqual([
      false,
      true,
    ]);
    expect(registry.consents.list()).toEqual([]);
  });
});
