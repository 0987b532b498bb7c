import { AtmosphereError, type ErrorOptionsWithData, type ErrorTable } from '../core/index.ts';

export const RELAY_ERRORS = {
  bad_address: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'A relay is named by `host:port`, like relay.example:4303 or [2001:db8::7]:4303.',
  },
  port_in_use: {
    kind: 'refused',
    fault: 'user',
    retry: true,
    means: 'Another program has the relay’s port. Choose another one.',
  },
  cannot_listen: {
    kind: 'refused',
    fault: 'user',
    retry: true,
    means: 'The relay’s address cannot be opened on this machine.',
  },
  relay_unreachable: {
    kind: 'unreachable',
    fault: 'network',
    retry: true,
    means: 'The relay does not answer, or its connection ended. Is it running, and its port open?',
  },
  relay_not_trusted: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means:
      'Who answers at the relay’s address is not a current member of this mesh that may be a relay. Has it joined, and is its role another than edge?',
  },
  malformed: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means: 'The other side of a control connection sent what the protocol does not have.',
  },
  not_registered: {
    kind: 'unreachable',
    fault: 'peer',
    retry: true,
    means: 'The wanted node is not connected to this relay now.',
  },
  over_quota: {
    kind: 'refused',
    fault: 'user',
    retry: true,
    means: 'This node has used up what it may move through the relay in a day; `data.retry_after_s` until the next.',
  },
  busy: {
    kind: 'unreachable',
    fault: 'peer',
    retry: true,
    means: 'The relay carries as many connections as it may, in all or for one of the two nodes.',
  },
  cancelled: { kind: 'cancelled', fault: 'user', retry: true, means: 'Somebody stopped the operation.' },
} as const satisfies ErrorTable;

export type RelayErrorCode = keyof typeof RELAY_ERRORS;

export class RelayError extends AtmosphereError<RelayErrorCode> {
  constructor(code: RelayErrorCode, message: string, options?: ErrorOptionsWithData) {
    super(RELAY_ERRORS, code, message, options);
  }
}
