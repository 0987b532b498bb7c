/**
 * Whom this node takes models from. Joining a mesh agrees to its members, and naming a mirror to the mirror; an owner who wants to
 * be asked says so. Spec: docs/spec/20-access.md §5. Sources are node ids and origins of mirrors; both are what others say of
 * themselves nowhere: node ids are proven by the connection or a signature, mirrors are named by the owner.
 */
import type { Clock } from '../../core/index.ts';
import type { Consent, Registry } from '../../registry/index.ts';
import { NodeError } from '../errors.ts';
import { NODE_LIMITS } from '../limits.ts';

export type ConsentMode = 'members' | 'ask' | 'all';

export interface ConsentDeskOptions {
  readonly consents: Registry['consents'];
  readonly settings: Registry['settings'];
  readonly clock: Clock;
  /** Before anything changes; what it throws is thrown. */
  readonly insist: (facts: Readonly<Record<string, unknown>>) => void;
}

const MODE = 'consent';

export class ConsentDesk {
  readonly #options: ConsentDeskOptions;

  constructor(options: ConsentDeskOptions) {
    this.#options = options;
  }

  get mode(): ConsentMode {
    const mode = this.#options.settings.get(MODE);
    return mode === 'ask' || mode === 'all' ? mode : 'members';
  }

  set mode(mode: ConsentMode) {
    this.#options.insist({ what: 'mode', mode, was: this.mode });
    this.#options.settings.set(MODE, mode);
  }

  /**
   * None that is agreed to is left out of `sources`; nobody need be when one of them is, for bytes are checked against what that one
   * vouches for. Empty: nothing to ask.
   */
  unagreed(sources: readonly string[]): readonly string[] {
    const { consents } = this.#options;
    if (this.mode !== 'ask' || sources.some((source) => consents.has(source))) return [];
    return sources;
  }

  /** Throws NodeError `consents_full`, `audit_failed`. */
  add(source: string, how: 'command' | 'flag'): void {
    const { consents, clock, insist } = this.#options;
    if (consents.has(source)) return;
    if (consents.list().length >= NODE_LIMITS.consents)
      throw new NodeError(
        'consents_full',
        `Agreeing to ${source}: ${NODE_LIMITS.consents} sources are agreed to already`,
      );
    insist({ what: 'add', source, how });
    consents.put({ source, givenAtMs: clock.nowMs(), how });
  }

  /** Throws NodeError `consent_not_found`, `audit_failed`. */
  remove(source: string): void {
    const { consents, insist } = this.#options;
    if (!consents.has(source))
      throw new NodeError('consent_not_found', `Taking the consent to ${source} back: there is none`);
    insist({ what: 'remove', source });
    consents.delete(source);
  }

  list(): Consent[] {
    return this.#options.consents.list();
  }
}
