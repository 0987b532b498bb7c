/** The digest in a path. 05-http §2. */
import type { FastifyRequest } from 'fastify';
import { isSha256, type Sha256 } from '../core/index.ts';
import { ServerError } from './errors.ts';

export function digestOf(request: FastifyRequest): Sha256 {
  const text = String((request.params as { sha256?: unknown }).sha256).toLowerCase();
  if (isSha256(text)) return text;
  throw new ServerError('bad_request', 'Reading a blob’s name: wanted 64 hex digits of a SHA-256');
}
