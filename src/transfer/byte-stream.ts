/** What a stream source needs of the mesh; its streams satisfy this by structure. Spec: docs/spec/10-transfer.md §9. */

export interface ByteReceiver {
  /** Valid only during the call. */
  bytes(chunk: Uint8Array): void;
  /** Once; without an error the other side said that it has no more to say. */
  ended(error: Error | undefined): void;
}

export interface ByteStream {
  /** Sends, or resolves when more may be sent. */
  send(bytes: Uint8Array): void | Promise<void>;
  receive(receiver: ByteReceiver): void;
  close(): Promise<void>;
  abort(reason: Error): void;
}
