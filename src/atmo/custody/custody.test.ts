import { expect, test } from 'vitest';
import {
  type CustodyLine,
  canonicalBytes,
  PROTOCOL_LIMITS,
  parseCustodyLine,
  SIGNING_CONTEXTS,
} from '../../protocol/index.ts';
import { makeTestMesh } from '../../testkit/mesh-members.ts';
import { samplePackage } from '../../testkit/package-manifests.ts';
import { PACKED_AT_MS, trustIn } from '../../testkit/packages.ts';
import { type Identity, signObject } from '../../trust/index.ts';
import { appendCustody, type CustodyEntry } from './append-custody.ts';
import { type CustodyFlaw, type CustodyTrust, verifyCustody } from './verify-custody.ts';

const mesh = makeTestMesh('own', PACKED_AT_MS);
const other = makeTestMesh('other', PACKED_AT_MS);
const maker = mesh.member('maker', { role: 'publisher', lifeMs: 10_000 });
const carrier = mesh.member('carrier');
const stranger = other.member('stranger');
const { manifest } = samplePackage();

function entry(identity: Identity, action: CustodyEntry['action'], changes: Partial<CustodyEntry> = {}): CustodyEntry {
  const { nodeId, nodeKey, certificate } = identity;
  const by = { nodeId, name: `node ${nodeId.slice(-4)}` };
  const signer = { id: nodeId, privateKey: nodeKey };
  return { action, manifest, by, certificate, signer, nowMs: PACKED_AT_MS, ...changes };
}

/** Created, exported to a stick, imported by a node of another mesh. */
function chain(): string {
  const created = appendCustody('', entry(maker, 'created'));
  const exported = appendCustody(created, entry(carrier, 'exported', { to: 'stick 7' }));
  return appendCustody(exported, entry(stranger, 'imported', { nowMs: PACKED_AT_MS + 500 }));
}

function verify(text: string, trust: Partial<CustodyTrust> = {}) {
  return verifyCustody(text, manifest, trustIn(mesh, trust as object));
}

/** The line's number and the reason, of what is refused. */
function flawIn(text: string | Buffer | undefined, of = manifest): [number, CustodyFlaw] | undefined {
  try {
    verifyCustody(text, of, trustIn(mesh));
    return undefined;
  } catch (thrown) {
    const { code, data } = thrown as { readonly code: string; readonly data: { line: number; reason: CustodyFlaw } };
    expect(code).toBe('custody_broken');
    return [data.line, data.reason];
  }
}

/** The second line changed and signed again by its node. */
function withSecond(change: (line: CustodyLine) => object, signer: Identity = carrier): string {
  const [first = '', second = ''] = chain().split('\n');
  const { signature: _before, ...line } = parseCustodyLine(second);
  const changed = { ...line, ...change(parseCustodyLine(second)) };
  const signed = signObject(SIGNING_CONTEXTS.custody, changed, { id: signer.nodeId, privateKey: signer.nodeKey }, 1);
  return `${first}\n${canonicalBytes(signed)}\n`;
}

test('a chain is whole, and each hand has its standing', () => {
  const steps = verify(chain());
  expect(steps.map(({ seq, action, to, standing }) => [seq, action, to, standing])).toEqual([
    [1, 'created', undefined, 'member'],
    [2, 'exported', 'stick 7', 'member'],
    [3, 'imported', undefined, 'outside'],
  ]);
});

test('a standing is that of the time of the line, and of what is known of its node', () => {
  expect(verify(chain(), { trustedMeshes: [other.authority.id] })[2]?.standing).toBe('member');
  expect(verify(chain(), { isRevoked: (nodeId) => nodeId === carrier.nodeId })[1]?.standing).toBe('revoked');
  expect(verify(chain(), { ownMesh: undefined })[0]?.standing).toBe('outside');
  const late = appendCustody('', entry(maker, 'created', { nowMs: PACKED_AT_MS + 10_000 }));
  expect(verify(late)[0]?.standing).toBe('expired');
  const bare = appendCustody('', entry(maker, 'created', { certificate: undefined }));
  expect(verify(bare)[0]?.standing).toBe('uncertified');
});

test('without a line there is no chain', () => {
  expect([flawIn(undefined), flawIn('')]).toEqual([
    [1, 'missing'],
    [1, 'missing'],
  ]);
});

test('what is no line, not canonical or cut off is unreadable', () => {
  const spaced = chain().replace('{"action"', '{ "action"');
  expect(flawIn(spaced)).toEqual([1, 'unreadable']);
  expect(flawIn(`${chain()}{}\n`)).toEqual([4, 'unreadable']);
  expect(flawIn(chain().slice(0, -1))).toEqual([1, 'unreadable']);
  expect(flawIn(`${chain()}\n`)).toEqual([4, 'unreadable']);
  expect(flawIn(Buffer.from([0xff, 0x0a]))).toEqual([1, 'unreadable']);
});

test('lines and bytes are bounded', () => {
  expect(flawIn('\n'.repeat(PROTOCOL_LIMITS.custodyLines + 1))).toEqual([1, 'unreadable']);
  expect(flawIn('a'.repeat(PROTOCOL_LIMITS.custodyBytes + 1))).toEqual([1, 'unreadable']);
  const full = '{}\n'.repeat(PROTOCOL_LIMITS.custodyLines);
  expect(() => appendCustody(full, entry(carrier, 'exported'))).toThrow(
    expect.objectContaining({ code: 'custody_broken', data: { line: PROTOCOL_LIMITS.custodyLines, reason: 'full' } }),
  );
});

test('a line that is left out, put elsewhere or said anew is found', () => {
  const [first, second, third] = chain().split('\n');
  expect(flawIn(`${first}\n${third}\n`)).toEqual([2, 'wrong_number']);
  expect(flawIn(`${second}\n`)).toEqual([1, 'wrong_number']);
  const another = appendCustody('', entry(maker, 'created', { to: 'others' }));
  expect(flawIn(`${another}${second}\n`)).toEqual([2, 'wrong_previous']);
});

test('a line’s fields are under its node’s signature', () => {
  expect(flawIn(chain().replace('stick 7', 'stick 8'))).toEqual([2, 'wrong_signature']);
  expect(flawIn(withSecond(() => ({ to: 'stick 8' })))).toBeUndefined();
  expect(flawIn(withSecond(() => ({}), maker))).toEqual([2, 'wrong_signature']);
});

test('the first line creates, and no other', () => {
  expect(flawIn(withSecond(() => ({ action: 'created' })))).toEqual([2, 'wrong_action']);
  expect(flawIn(appendCustody('', entry(maker, 'exported')))).toEqual([1, 'wrong_action']);
});

test('a certificate is of the line’s node, and of the mesh that it names', () => {
  expect(flawIn(withSecond(() => ({ certificate: maker.certificate })))).toEqual([2, 'wrong_certificate']);
  const forged = { ...carrier.certificate, role: 'admin' };
  expect(flawIn(withSecond(() => ({ certificate: forged })))).toEqual([2, 'wrong_certificate']);
});

test('the chain of another version, or of another content of this version, is refused', () => {
  expect(flawIn(chain(), samplePackage({}, '1.4').manifest)).toEqual([1, 'other_package']);
  const rebuilt = samplePackage({ 'tools/core_tools.yaml': 'tools: [x]\n' }).manifest;
  expect(flawIn(chain(), rebuilt)).toEqual([1, 'other_package']);
});

test('what others wrote is not touched', () => {
  const before = chain();
  expect(appendCustody(before, entry(carrier, 'synced')).startsWith(before)).toBe(true);
});
