import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../core/index.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import { FakeMesh, memberId } from '../facts/fake-mesh.fixture.ts';
import { OwnRulesFile } from './own-rules-file.ts';
import { RulesBook } from './rules-book.ts';

const A = memberId('A');
const GOOD = 'rules:\n  - name: mine\n    trigger: node_join\n    models: [{name: m}]\n';

let folder: string;
let path: string;
let clock: VirtualClock;
let mesh: FakeMesh;
let file: OwnRulesFile;
let book: RulesBook;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atmosphere-rules-'));
  path = join(folder, 'deployment_rules.yaml');
  clock = new VirtualClock();
  mesh = new FakeMesh(clock);
  mesh.roles.set(A, 'admin');
  file = new OwnRulesFile({ path, clock, surroundings: () => ({}) });
  book = new RulesBook({ mesh, own: file, clock, logger: silentLogger });
});

afterEach(async () => {
  book[Symbol.dispose]();
  file[Symbol.dispose]();
  await rm(folder, { recursive: true, force: true });
});

function names(): string[] {
  return book
    .sets()
    .map(({ name, author, rules }) => `${author === undefined ? 'own' : name}: ${rules.map((rule) => rule.name)}`);
}

function payload(name: string) {
  return { type: 'deployment_rules', rules: [{ name, trigger: 'node_join', models: [{ name: 'm' }] }] };
}

describe('OwnRulesFile', () => {
  test('is read when it comes, changes and goes', async () => {
    await file.look();
    expect(names()).toEqual([]);
    await writeFile(path, GOOD);
    await file.look();
    expect(names()).toEqual(['own: mine']);
    await writeFile(path, GOOD.replace('mine', 'yours'));
    await file.look();
    expect(names()).toEqual(['own: yours']);
    await rm(path);
    await file.look();
    expect(names()).toEqual([]);
  });

  test('with a mistake, the last good one holds, and what is wrong is told', async () => {
    await writeFile(path, GOOD);
    await file.look();
    await writeFile(path, `${GOOD}    prioriti: 3\n`);
    await file.look();
    expect(names()).toEqual(['own: mine']);
    expect(file.complaints).toMatchObject([{ line: 5, severity: 'error' }]);
    await writeFile(path, GOOD);
    await file.look();
    expect(file.complaints).toEqual([]);
  });

  test('a folder, or a file that is too long, is told of', async () => {
    await mkdir(path);
    await file.look();
    expect(file.complaints).toMatchObject([{ severity: 'error' }]);
    await rm(path, { recursive: true });
    await writeFile(path, '#'.repeat(300_000));
    await file.look();
    expect(file.complaints[0]?.message).toContain('300000 bytes');
    expect(names()).toEqual([]);
  });

  test('tells of changes, and of nothing else', async () => {
    let changes = 0;
    file.changes.on(() => {
      changes += 1;
    });
    await file.look();
    expect(changes).toBe(0);
    await writeFile(path, GOOD);
    await file.look();
    await file.look();
    expect(changes).toBe(1);
  });
});

describe('RulesBook', () => {
  test('has the sets of admins, and of nobody else', () => {
    mesh.accept(A, 'rules', payload('a'), { key: 'default' });
    mesh.accept(memberId('B'), 'rules', payload('b'), { key: 'default' });
    mesh.accept(A, 'rules', { type: 'deployment_rules', rules: 'rubbish' }, { key: 'other' });
    expect(names()).toEqual(['default: a']);
    mesh.roles.set(A, 'edge');
    mesh.accept(A, 'certificate', {}, { key: A });
    expect(names()).toEqual([]);
  });

  test('an admin gives the mesh a set in the place of the one before', async () => {
    await writeFile(path, GOOD);
    await file.look();
    const [rule] = file.set?.rules ?? [];
    book.apply(rule === undefined ? [] : [rule]);
    book.apply([]);
    expect(mesh.published).toMatchObject([
      { kind: 'rules', key: 'default', payload: { rules: [{ name: 'mine' }] } },
      { kind: 'rules', key: 'default', payload: { rules: [] } },
    ]);
    expect(names()).toEqual(['own: mine', 'default: ']);
  });

  test('anybody else may not', () => {
    mesh.roles.set(mesh.nodeId, 'gateway');
    expect(() => book.apply([])).toThrowError(expect.objectContaining({ code: 'not_permitted' }));
    expect(mesh.published).toEqual([]);
  });
});
