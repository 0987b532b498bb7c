/** A founder's public key, as a manifest has it: docs/spec/21-packages.md §6.2. Pure. */
import type { KeyObject } from 'node:crypto';
import { publicBytesOf, publicKeyFromBytes } from '../../trust/index.ts';
import { signatureBytes, toSignatureText } from './signature-text.ts';

/** Of a private or a public key. */
export function founderKeyOf(key: KeyObject): string {
  return toSignatureText(publicBytesOf(key));
}

export function publicKeyOfFounder(text: string): KeyObject {
  return publicKeyFromBytes(signatureBytes(text));
}
