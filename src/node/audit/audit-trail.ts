/**
 * Writes the audit log of this node. Two verbs: what somebody orders here is written **before** it is done and is not done where it
 * cannot be written (`insist`); what happens anyway is written after, and where that fails, or peers cause more of it than fits, how
 * much is missing is the next thing written (`note`). The head is kept in a file beside the database, so that an end that was cut
 * off is missed. Spec: docs/spec/20-access.md §6.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { type Clock, every, type Logger, messageOf, systemCodeOf } from '../../core/index.ts';
import type { AuditEntry, AuditEventName, AuditHead, AuditVerdict, Registry } from '../../registry/index.ts';
import { NodeError } from '../errors.ts';
import { NODE_LIMITS } from '../limits.ts';

export type AuditFacts = Readonly<Record<string, unknown>>;

export interface AuditTrailOptions {
  readonly log: Registry['auditLog'];
  /** Where the head is kept. */
  readonly headFile: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

const headSchema = z.object({ seq: z.number().int().positive(), hash: z.string().regex(/^[0-9a-f]{64}$/) });

export class AuditTrail implements Disposable {
  readonly #options: AuditTrailOptions;
  /** As the file has it; undefined where there is none yet. */
  #kept: AuditHead | undefined;
  /** The file cannot be read: it is left as it is, and says so. */
  #problem: string | undefined;
  #missed = 0;
  #windowMs = 0;
  #inWindow = 0;
  readonly #stop: () => void;

  constructor(options: AuditTrailOptions) {
    this.#options = options;
    const { clock, logger } = options;
    this.#problem = this.#readHead() ?? this.#compare();
    if (this.#problem !== undefined) logger.error({ problem: this.#problem }, 'the audit log is not what it was');
    this.#stop = every(clock, NODE_LIMITS.auditHeadEveryMs, () => this.#keepHead());
  }

  [Symbol.dispose](): void {
    this.#stop();
    this.#keepHead();
  }

  get head(): AuditHead | undefined {
    return this.#options.log.head();
  }

  /** What is wrong with the log, as far as it is known without reading all of it. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Before something is done on somebody's order. Throws NodeError `audit_failed`: then it must not be done. */
  insist(event: AuditEventName, facts: AuditFacts): void {
    try {
      this.#append(event, facts);
    } catch (cause) {
      throw new NodeError('audit_failed', `Writing the audit log: ${messageOf(cause)}; nothing was done`, {
        data: { event },
        cause,
      });
    }
  }

  /** After something has happened. Never throws. */
  note(event: AuditEventName, facts: AuditFacts): void {
    try {
      this.#append(event, facts);
    } catch (thrown) {
      this.#missed += 1;
      this.#options.logger.error({ event, reason: messageOf(thrown) }, 'the audit log could not be written');
    }
  }

  /** The same for what others can cause at will: so many in a while, and the rest is counted. */
  noteOfOthers(event: AuditEventName, facts: AuditFacts): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#windowMs >= NODE_LIMITS.auditWindowMs) {
      this.#windowMs = nowMs;
      this.#inWindow = 0;
    }
    this.#inWindow += 1;
    if (this.#inWindow > NODE_LIMITS.auditOfOthers) this.#missed += 1;
    else this.note(event, facts);
  }

  /** In order, at most one page. */
  read(query: Parameters<Registry['auditLog']['read']>[0]): AuditEntry[] {
    return this.#options.log.read(query);
  }

  /** Reads all of it. */
  verify(): AuditVerdict {
    return this.#options.log.verify(this.#kept);
  }

  #append(event: AuditEventName, facts: AuditFacts): void {
    const { log, clock } = this.#options;
    if (this.#missed > 0) {
      log.append('gap', { missed: this.#missed }, clock.nowMs());
      this.#missed = 0;
    }
    log.append(event, facts, clock.nowMs());
  }

  #readHead(): string | undefined {
    try {
      this.#kept = headSchema.parse(JSON.parse(readFileSync(this.#options.headFile, 'utf8').slice(0, HEAD_CHARS)));
      return undefined;
    } catch (thrown) {
      if (systemCodeOf(thrown) === 'ENOENT') return undefined;
      return `${this.#options.headFile} cannot be read: ${messageOf(thrown)}`;
    }
  }

  #compare(): string | undefined {
    if (this.#kept === undefined || this.#options.log.holds(this.#kept)) return undefined;
    return `its entry ${this.#kept.seq} is missing or another; atmosphere audit --verify says more`;
  }

  /** Only what the disk surely has may be in the file: else a power cut would look like a deed. */
  #keepHead(): void {
    const { log, headFile, logger } = this.#options;
    if (this.#problem !== undefined) return;
    try {
      const head = log.head();
      if (head === undefined || head.seq === this.#kept?.seq) return;
      log.flush();
      const temporary = `${headFile}.new`;
      writeFileSync(temporary, `${JSON.stringify(head)}\n`, { mode: 0o600, flush: true });
      renameSync(temporary, headFile);
      this.#kept = head;
    } catch (thrown) {
      logger.warn({ reason: messageOf(thrown) }, 'the head of the audit log was not kept');
    }
  }
}

const HEAD_CHARS = 1000;
