import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GiB, silentLogger } from '../../core/index.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import { FakeMesh } from './fake-mesh.fixture.ts';
import { OwnFacts, tierOfHardware } from './own-facts.ts';
import { ownerFacts } from './owner-facts.ts';

class MemorySettings {
  readonly kept = new Map<string, unknown>();
  get = (key: string): unknown => this.kept.get(key);
  set = (key: string, value: unknown): void => void this.kept.set(key, structuredClone(value));
  delete = (key: string): void => void this.kept.delete(key);
}

let clock: VirtualClock;
let mesh: FakeMesh;
let settings: MemorySettings;
let freeBytes: number;
let own: OwnFacts;

beforeEach(() => {
  clock = new VirtualClock();
  mesh = new FakeMesh(clock);
  settings = new MemorySettings();
  freeBytes = 100 * GiB;
  own = opened();
});

afterEach(() => own[Symbol.dispose]());

function opened(): OwnFacts {
  const machine = {
    freeBytes: async () => freeBytes,
    executionProviders: async () => ['cpu'],
    // No Python, no GPU tool.
    env: { PATH: '/nowhere' },
  };
  const owner = ownerFacts(settings, { region: 'eu' });
  return new OwnFacts({ mesh, nodeName: 'self', owner, machine, settings, clock, logger: silentLogger });
}

describe('OwnFacts', () => {
  test('knows something at once, and tells the mesh when all is known', async () => {
    expect(own.current()).toMatchObject({ node_id: mesh.nodeId, role: 'admin', region: 'eu', execution_providers: [] });
    expect(mesh.published).toEqual([]);
    await own.start();
    expect(own.current()).toMatchObject({ execution_providers: ['cpu'], hardware: { disk_free_mb: 102_400 } });
    expect(mesh.published).toMatchObject([{ kind: 'capability', key: '', payload: { region: 'eu' } }]);
  });

  test('tells nothing twice, but again before its word runs out', async () => {
    await own.start();
    await clock.advance(3_600_000);
    expect(mesh.published).toHaveLength(1);
    await clock.advance(12 * 3_600_000);
    expect(mesh.published).toHaveLength(2);
  });

  test('tells of a disk that fills, and of another role', async () => {
    await own.start();
    const changes: number[] = [];
    own.changes.on(() => changes.push(own.current().hardware.disk_free_mb));
    freeBytes = 50 * GiB;
    await clock.advance(300_000);
    expect(changes).toEqual([51_200]);
    expect(mesh.published.at(-1)?.payload).toMatchObject({ hardware: { disk_free_mb: 51_200 } });
    mesh.roles.set(mesh.nodeId, 'edge');
    mesh.membershipEvents.emit({ type: 'put_out', reason: '' });
    expect(mesh.published.at(-1)?.payload).toMatchObject({ role: 'edge' });
    expect(own.current().role).toBe('edge');
  });

  test('what was found out last time holds after a restart, and what is kept may be rubbish', async () => {
    await own.start();
    expect(opened().current().execution_providers).toEqual(['cpu']);
    settings.set('machine_facts', { hardware: 'rubbish' });
    expect(opened().current().execution_providers).toEqual([]);
  });

  test('a mesh that takes nothing ends nothing', async () => {
    mesh.publish = () => {
      throw new Error('put out');
    };
    await own.start();
    expect(own.current().execution_providers).toEqual(['cpu']);
  });
});

describe('ownerFacts()', () => {
  test('memory and architecture in place of the machine’s own, never more memory than there is', async () => {
    ownerFacts(settings, { memoryMb: 64, architecture: 'aarch64' });
    const told = opened();
    expect(told.current().hardware).toMatchObject({ memory_mb: 64, architecture: 'aarch64' });
    ownerFacts(settings, { memoryMb: 1_000_000_000, architecture: null });
    expect(opened().current().hardware).toEqual(own.current().hardware);
  });

  test('the tier of packages is that of the machine’s size, or what was said, until it is taken away', () => {
    ownerFacts(settings, { memoryMb: 64 });
    expect(opened().current().tier).toBe('tier_1');
    ownerFacts(settings, { tier: 'tier_3' });
    expect(opened().current().tier).toBe('tier_3');
    ownerFacts(settings, { tier: null });
    expect(opened().current().tier).toBe('tier_1');
    const { tier, hardware } = own.current();
    expect(tier).toBe(tierOfHardware(hardware));
  });

  test('keeps what was given, flag by flag, until it is taken away', () => {
    const given = { region: 'us', labels: { hall: '7' }, interests: ['audio'], maxModelSizeMb: 100, maxModels: 3 };
    const all = {
      ...{ region: 'us', labels: { hall: '7' }, interests: ['audio'], machine: {} },
      constraints: { max_model_size_mb: 100, max_models: 3 },
    };
    expect(ownerFacts(settings, given)).toEqual(all);
    expect(ownerFacts(settings)).toEqual(all);
    expect(ownerFacts(settings, { labels: { line: '3' } })).toEqual({ ...all, labels: { line: '3' } });
    const none = { region: null, labels: null, interests: null, maxModelSizeMb: null, maxModels: null };
    expect(ownerFacts(settings, none)).toEqual({ labels: {}, interests: [], machine: {}, constraints: {} });
    expect(ownerFacts(settings)).toEqual({ labels: {}, interests: [], machine: {}, constraints: {} });
  });

  test('a setting that cannot be read is as if nothing had been said', () => {
    settings.set('node_facts', { labels: 7 });
    expect(ownerFacts(settings)).toEqual({ labels: {}, interests: [], machine: {}, constraints: {} });
  });
});
