import { expect, test } from 'vitest';
import { Emitter, silentLogger } from '../../core/index.ts';
import type { MembershipEvent, Mesh } from '../../mesh/index.ts';
import { MemoryRecordStore } from '../../mesh/memory-stores.ts';
import { RecordLog } from '../../mesh/record-log.ts';
import { makeTestMesh } from '../../testkit/mesh-members.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import { mayDeploy, mayRead, signRecord } from '../../trust/index.ts';
import { AccessPolicy } from './access-policy.ts';

const MODELS = { 'acme/private': { read: ['admin'], deploy: ['edge'] } };

test('when the only admin that said a policy is put out, what was private stays so, also after a restart, and no right to order', () => {
  const clock = new VirtualClock();
  const members = makeTestMesh('policy', clock.nowMs());
  const [self, admin] = [members.member('self', { role: 'edge' }), members.member('admin', { role: 'admin' })];
  const log = new RecordLog({ identity: self, store: new MemoryRecordStore(), clock, logger: silentLogger });
  log.accept(admin.certificateRecord, undefined);
  const settings = new Map<string, unknown>();
  const mesh = {
    ...{ nodeId: self.nodeId, meshId: self.meshId, recordEvents: log.events },
    membershipEvents: new Emitter<MembershipEvent>(),
    records: log.list.bind(log),
    certificateOf: log.certificateOf.bind(log),
    isRevoked: log.isRevoked.bind(log),
  } as unknown as Mesh;
  const open = () =>
    new AccessPolicy({
      ...{ mesh, clock, logger: silentLogger },
      settings: {
        get: (key) => settings.get(key),
        set: (key, value) => settings.set(key, value),
        delete: (key) => settings.delete(key),
      },
    });
  using policy = open();
  const payload = { type: 'model_access', models: MODELS };
  const draft = {
    kind: 'access' as const,
    key: '',
    payload,
    seq: clock.nowMs(),
    issuedAtMs: clock.nowMs(),
    ttlMs: 1e9,
  };
  log.accept(signRecord(draft, { id: admin.nodeId, privateKey: admin.nodeKey }), undefined);
  expect(rightsOf(policy)).toEqual({ read: false, deploy: true });
  log.revoke(members.authority, admin.nodeId, 'left');
  expect(policy.record).toBeUndefined();
  expect(rightsOf(policy)).toEqual({ read: false, deploy: false });
  using again = open();
  expect(rightsOf(again)).toEqual({ read: false, deploy: false });
});

function rightsOf({ current }: AccessPolicy) {
  return { read: mayRead(current, 'acme/private', 'edge'), deploy: mayDeploy(current, 'acme/private', 'edge') };
}
