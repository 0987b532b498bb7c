import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeTestMesh } from '../testkit/mesh-members.ts';
import { encodeInviteCode, type InviteCode, parseInviteCode, verifyInviteTime } from './invite-code.ts';

const mesh = makeTestMesh('invites');
const invite: InviteCode = {
  meshId: mesh.authority.id,
  inviter: mesh.member('inviter').nodeId,
  inviteId: '0011223344556677',
  secretHex: '000102030405060708090a0b0c0d0e0f',
  expiresAtMs: 1_800_000_000_000,
  addresses: ['/ip4/192.168.1.7/tcp/4310', '/dns4/gateway.example/tcp/443/ws', '/ip6/fe80::1/tcp/4310'],
};
const mistyped = expect.objectContaining({ code: 'invite_mistyped' });

describe('invite codes', () => {
  test('parseInviteCode() gives back what encodeInviteCode() took, whatever white space came in between', () => {
    const code = encodeInviteCode(invite);
    expect(parseInviteCode(code)).toEqual(invite);
    expect(parseInviteCode(`  ${code.slice(0, 40)}\n ${code.slice(40)}\t`)).toEqual(invite);
  });

  test('encodeInviteCode() keeps eight addresses', () => {
    const addresses = Array.from({ length: 12 }, (_, index) => `/ip4/10.0.0.${index}/tcp/1`);
    expect(parseInviteCode(encodeInviteCode({ ...invite, addresses })).addresses).toEqual(addresses.slice(0, 8));
  });

  test('a code with any one character changed, dropped or doubled is mistyped', () => {
    const code = encodeInviteCode(invite);
    fc.assert(
      fc.property(fc.integer({ min: 5, max: code.length - 1 }), fc.constantFrom('1', 'z', 'A', 'k'), (at, letter) => {
        fc.pre(code[at] !== letter);
        const changed = code.slice(0, at) + letter + code.slice(at + 1);
        expect(() => parseInviteCode(changed)).toThrow(mistyped);
        expect(() => parseInviteCode(code.slice(0, at) + code.slice(at + 1))).toThrow(mistyped);
        expect(() => parseInviteCode(code.slice(0, at) + letter + code.slice(at))).toThrow(mistyped);
      }),
      { numRuns: 50 },
    );
  });

  test('any text is read or called mistyped, and nothing else', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        expect(() => parseInviteCode(`atm1-${text}`)).toThrow(mistyped);
      }),
    );
    expect(() => parseInviteCode(`atm1-${'1'.repeat(5000)}`)).toThrow(mistyped);
  });

  test('verifyInviteTime() refuses a code whose time is over', () => {
    expect(() => verifyInviteTime(invite, invite.expiresAtMs)).toThrow(
      expect.objectContaining({ code: 'invite_expired' }),
    );
    expect(() => verifyInviteTime(invite, invite.expiresAtMs - 1)).not.toThrow();
  });
});
