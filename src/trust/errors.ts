import { AtmosphereError, type ErrorOptionsWithData, type ErrorTable } from '../core/index.ts';

export const TRUST_ERRORS = {
  key_exposed: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means: 'Other users of this machine may read a private key. Take their rights away with chmod 600 FILE.',
  },
  key_corrupt: {
    kind: 'integrity',
    fault: 'disk',
    retry: false,
    means: 'A key file is not an Ed25519 private key. Restore it from a copy; it is never replaced by a new one.',
  },
  membership_corrupt: {
    kind: 'integrity',
    fault: 'disk',
    retry: false,
    means: 'mesh.json does not hold this node’s membership. Restore it, or move it away to start as a mesh of one.',
  },
  home_unusable: {
    kind: 'storage',
    fault: 'disk',
    retry: true,
    means: 'The home folder cannot be read or written. Look at its rights and at the disk.',
  },
  bad_signature: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means: 'A signature does not verify by the key of the one who is said to have signed.',
  },
  certificate_invalid: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means:
      'A certificate does not hold: another mesh, not signed by its authority, expired or revoked. `data.reason` tells.',
  },
  invite_mistyped: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'An invite code is not complete or has a wrong character. Copy it again.',
  },
  invite_expired: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means: 'The invite code’s time is over. Ask for a new one.',
  },
  token_invalid: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means:
      'A bearer token is expired, for somebody else, or not signed by a member. `data.reason` tells. Get a new one.',
  },
  tls_peer_invalid: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means: 'The other side of a TLS connection did not prove that it is a member of this mesh.',
  },
  manifest_refused: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means:
      'A model’s manifest is not signed by a current member who may write the model. `data.reason` tells (docs/spec/20-access.md §2).',
  },
  bundle_refused: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means:
      'A model’s signature bundle does not hold: `data.reason` tells (docs/spec/20-access.md §8). Ask whoever made it for their public key, or for another bundle.',
  },
  order_refused: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means:
      'An order is not by a current member who may deploy the model, or its manifest is refused. `data.reason` tells.',
  },
} as const satisfies ErrorTable;

export type TrustErrorCode = keyof typeof TRUST_ERRORS;

export class TrustError extends AtmosphereError<TrustErrorCode> {
  constructor(code: TrustErrorCode, message: string, options?: ErrorOptionsWithData) {
    super(TRUST_ERRORS, code, message, options);
  }
}
