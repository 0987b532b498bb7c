/** `ed25519:<base64>` of a package's signatures: docs/spec/21-packages.md §6.2. Pure. */
const WORD = 'ed25519:';

export function toSignatureText(bytes: Uint8Array): string {
  return `${WORD}${Buffer.from(bytes).toString('base64')}`;
}

export function signatureBytes(text: string): Buffer {
  return Buffer.from(text.slice(WORD.length), 'base64');
}
