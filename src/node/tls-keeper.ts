/** This node's TLS identity, made anew when its membership changes and well before it runs out. */
import { type Clock, Emitter, type Logger, messageOf } from '../core/index.ts';
import type { Mesh } from '../mesh/index.ts';
import { makeTlsIdentity, type TlsIdentity } from '../trust/index.ts';

/** What a TLS identity is made from, and when it changes. */
type Membership = Pick<Mesh, 'identity' | 'membershipEvents'>;

export class TlsKeeper implements Disposable {
  readonly renewals = new Emitter<TlsIdentity>();
  readonly #mesh: Membership;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #current: TlsIdentity;
  #cancelTimer = (): void => {};
  #isClosed = false;
  readonly #stopListening: () => void;

  private constructor(mesh: Membership, clock: Clock, logger: Logger, first: TlsIdentity) {
    this.#mesh = mesh;
    this.#clock = clock;
    this.#logger = logger;
    this.#current = first;
    this.#stopListening = mesh.membershipEvents.on(() => void this.#renew());
    this.#schedule();
  }

  static async open(mesh: Membership, clock: Clock, logger: Logger): Promise<TlsKeeper> {
    return new TlsKeeper(mesh, clock, logger, await makeTlsIdentity(mesh.identity, clock.nowMs()));
  }

  get current(): TlsIdentity {
    return this.#current;
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#cancelTimer();
    this.#stopListening();
  }

  async #renew(): Promise<void> {
    try {
      const { identity } = this.#mesh;
      const renewed = await makeTlsIdentity(identity, this.#clock.nowMs());
      // The membership changed meanwhile: the renewal that this began counts.
      if (this.#isClosed || identity !== this.#mesh.identity) return;
      this.#current = renewed;
      this.renewals.emit(renewed);
    } catch (thrown) {
      this.#logger.error({ err: messageOf(thrown) }, 'the TLS identity could not be renewed');
    }
    this.#schedule();
  }

  /** At half of what is left, and not later than a timer can wait. */
  #schedule(): void {
    this.#cancelTimer();
    if (this.#isClosed) return;
    const leftMs = this.#current.expiresAtMs - this.#clock.nowMs();
    const delayMs = Math.min(Math.max(leftMs / 2, MIN_WAIT_MS), MAX_WAIT_MS);
    this.#cancelTimer = this.#clock.after(delayMs, () => void this.#renew());
  }
}

const MIN_WAIT_MS = 60_000;
const MAX_WAIT_MS = 86_400_000;
