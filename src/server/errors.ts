import { AtmosphereError, type ErrorOptionsWithData, type ErrorTable } from '../core/index.ts';

export const SERVER_ERRORS = {
  port_in_use: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means: 'Another program listens on the port. Choose another with --port or --agent-port, or 0 for any.',
  },
  cannot_listen: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means: 'The system does not let this program listen on the address, such as a port below 1024.',
  },
  bad_request: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'The query, body or path of a request is not what the route takes.',
  },
  malformed_request: { kind: 'usage', fault: 'user', retry: false, means: 'What arrived cannot be read as HTTP/1.1.' },
  body_too_large: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'A request body is larger than its limit (docs/limits.md).',
  },
  headers_too_large: { kind: 'usage', fault: 'user', retry: false, means: 'The header has too many bytes or fields.' },
  wrong_media_type: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'The control API takes application/json only.',
  },
  method_not_allowed: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'The path does not answer this method; Allow says which.',
  },
  request_timeout: {
    kind: 'unreachable',
    fault: 'network',
    retry: true,
    means: 'The request did not arrive within its time.',
  },
  route_not_found: { kind: 'not_found', fault: 'user', retry: false, means: 'No route has this path.' },
  model_not_found: {
    kind: 'not_found',
    fault: 'user',
    retry: false,
    means: 'No such model here, or not for whoever asks.',
  },
  file_not_found: { kind: 'not_found', fault: 'user', retry: false, means: 'The model has no file of this path.' },
  file_required: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'The model has several files: name one with ?file=.',
  },
  blob_not_found: {
    kind: 'not_found',
    fault: 'user',
    retry: false,
    means: 'No such blob here, or not for whoever asks.',
  },
  content_gone: {
    kind: 'integrity',
    fault: 'disk',
    retry: false,
    means: 'The file is no longer what was hashed, so it is not served.',
  },
  precondition_failed: { kind: 'usage', fault: 'user', retry: false, means: 'If-Match names other content than this.' },
  range_not_satisfiable: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'No requested range lies in the file; Content-Range has its size.',
  },
  not_held_yet: {
    kind: 'not_found',
    fault: 'peer',
    retry: true,
    means: 'This node still fetches the blob and does not have the range now; /have says what it has (10-transfer §8).',
  },
  token_refused: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means: 'The bearer token is expired, for another node, or not of this mesh. Make one with `atmosphere mesh token`.',
  },
  not_permitted: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means:
      'The mesh’s access policy does not let whoever asks read this model (docs/spec/20-access.md §3). An admin changes it with `atmosphere access set`.',
  },
  stranger_refused: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means:
      'Only loopback, peers of the mesh and holders of a token may ask this. Make a token with `atmosphere mesh token`.',
  },
  foreign_host: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means: 'The Host header on loopback is not this daemon’s: a name may have been re-pointed at this machine.',
  },
  foreign_origin: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means: 'A page of another site called the control API.',
  },
  owner_over_tls: { kind: 'refused', fault: 'peer', retry: false, means: 'The control API is not for peers.' },
  owner_not_local: { kind: 'refused', fault: 'user', retry: false, means: 'The control API answers on loopback only.' },
  local_token_wrong: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means: 'The control API takes the local token of this home, readable by its owner only.',
  },
  too_many_requests: {
    kind: 'refused',
    fault: 'user',
    retry: true,
    means: 'Too many requests from this address; Retry-After says when.',
  },
  too_many_streams: {
    kind: 'refused',
    fault: 'peer',
    retry: true,
    means: 'This peer or address has too many downloads open at a time.',
  },
  no_upload_room: {
    kind: 'refused',
    fault: 'us',
    retry: true,
    means: 'Several fetch this blob here, and as many as go at once are being answered; Retry-After-Ms says when.',
  },
  model_required: { kind: 'usage', fault: 'user', retry: false, means: 'A swap of the agent port names no model.' },
  no_runtime: {
    kind: 'refused',
    fault: 'us',
    retry: false,
    means: 'This version has no runtime that could load a model; it finds, moves and serves their files.',
  },
  closing: { kind: 'unreachable', fault: 'us', retry: true, means: 'The daemon is stopping.' },
} as const satisfies ErrorTable;

export type ServerErrorCode = keyof typeof SERVER_ERRORS;

export class ServerError extends AtmosphereError<ServerErrorCode> {
  constructor(code: ServerErrorCode, message: string, options?: ErrorOptionsWithData) {
    super(SERVER_ERRORS, code, message, options);
  }
}
