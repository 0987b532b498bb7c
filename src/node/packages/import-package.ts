/**
 * One import, from the package to a version in force. The order is the spec's: who vouches for it, which tier, which version, is there
 * room, and only then is a row in the journal and a byte in the store. Spec: docs/spec/21-packages.md §8.
 */
import { randomBytes } from 'node:crypto';
import { completeTiers, type PackagePapers, type PackageSource, readPapers } from '../../atmo/index.ts';
import { messageOf, type Sha256 } from '../../core/index.ts';
import { packageMembers } from '../../protocol/index.ts';
import type { PackageJournalRow, PackageVersion } from '../../registry/index.ts';
import { isWorthKeeping, toToldError } from './failure.ts';
import type { ImportPorts } from './import-ports.ts';
import type { InstallLine } from './install-line.ts';
import type { LiveInstall, SignedBy } from './install-ports.ts';
import { InstallRun } from './install-run.ts';
import { judgeModels } from './judge-models.ts';
import { keptVersions } from './kept-versions.ts';
import { documentsToKeep, type KeptDocument, makeTarget } from './make-target.ts';
import { modelsOfTier, type PackagedFiles } from './package-models.ts';
import { planVersion, type VersionVerdict, verifySpace } from './plan-install.ts';
import type { ConfigChange, InstallEvent, InstallOptions } from './ports.ts';
import { Progress } from './progress.ts';
import { planStage, type StagePlan, stagePackage } from './stage-package.ts';
import { takeTier } from './take-tier.ts';

export interface ImportOrder {
  readonly source: PackageSource;
  readonly options: InstallOptions;
  readonly emit: (event: InstallEvent) => void;
}

/** What was decided before anything is done. */
interface Decided {
  readonly target: PackageVersion;
  readonly stage: StagePlan;
  readonly signed: SignedBy;
  readonly models: readonly PackagedFiles[];
  readonly documents: readonly KeptDocument[];
  readonly verdict: VersionVerdict;
}

export class ImportPackage {
  readonly #deps: ImportPorts;
  readonly #line: InstallLine;
  readonly #order: ImportOrder;
  #id: string | undefined;
  #version: string | undefined;
  #readBytes = 0;

  constructor(deps: ImportPorts, line: InstallLine, order: ImportOrder) {
    this.#deps = deps;
    this.#line = line;
    this.#order = order;
  }

  /** Every refusal is in the audit log. */
  async run(): Promise<void> {
    const { source, options, emit } = this.#order;
    try {
      this.#step('open');
      const papers = await readPapers(source);
      const { id, version } = papers.manifest.package;
      [this.#id, this.#version] = [id, version];
      this.#step('signature');
      const signed = await this.#deps.judge.check(source, options.signal);
      if (this.#line.length > 0) emit({ on: 'note', message: 'another install is under way; this one waits for it' });
      await this.#line.inTurn(id, () => this.#inTurn(papers, signed));
    } catch (thrown) {
      const what = { what: 'package', package: this.#id ?? null, version: this.#version ?? null };
      const from = { way: options.from.way, from: options.from.name };
      this.#deps.audit.note('refusal', { ...what, ...from, reason: messageOf(thrown) });
      throw toToldError(thrown, options.signal);
    }
  }

  async #inTurn(papers: PackagePapers, signed: SignedBy): Promise<void> {
    const { options, emit } = this.#order;
    options.signal?.throwIfAborted();
    await this.#endEarlier(papers);
    const before = this.#deps.rows.get(papers.manifest.package.id);
    const decided = await this.#decide(papers, signed, before?.current);
    const { target, verdict, stage } = decided;
    if (verdict === 'unchanged') return emit(this.#result(target, { isUnchanged: true }));
    this.#auditAccepted(decided, before?.current);
    const config: ConfigChange[] = [];
    const live = this.#live(decided, config);
    await this.#begin(target, before);
    await new InstallRun(this.#deps, target.id, live).run();
    emit(this.#result(target, { previousVersion: before?.current.version, heldMembers: stage.heldMembers, config }));
  }

  /** What an install that ended in the middle left: its end, or, of another content, nothing. */
  async #endEarlier({ digest }: PackagePapers): Promise<void> {
    const { rows, clock } = this.#deps;
    const row = rows.journal.get(this.#id ?? '');
    if (row === undefined || isAdopted(row, digest)) return;
    if (row.step === 'stopped') rows.journal.put({ ...row, step: 'undo', updatedAtMs: clock.nowMs() });
    await new InstallRun(this.#deps, row.id).run();
  }

  async #decide(papers: PackagePapers, signed: SignedBy, installed: PackageVersion | undefined) {
    const { options, source, emit } = this.#order;
    const { rows, custody, models: library, store, clock } = this.#deps;
    const { manifest, digest: manifestSha256 } = papers;
    const { id, version } = manifest.package;
    this.#step('tier');
    const stat = (sha256: Sha256) => store.stat(sha256);
    const asked = { asked: options.tier, ownTier: this.#deps.tier() };
    const { tier, note } = await takeTier({ papers, source, stat, ...asked });
    if (note !== undefined) emit({ on: 'note', message: `${id} ${version}: ${note}` });
    const hasAllTiers = this.#keepsAllTiers(papers, installed);
    this.#step('version');
    const question = {
      ...{ id, version, manifestSha256, tier, hasAllTiers, downgradeReason: options.downgrade?.reason },
      ...{ meshId: signed.meshId, mayChangeMesh: options.mayChangeMesh === true },
    };
    const verdict = planVersion(question, installed);
    const models = modelsOfTier(manifest, tier);
    const facts = { papers, signed, tier, hasAllTiers, custodyBytes: custody.received(papers, options.from) };
    const target = makeTarget({
      ...{ ...facts, install: rows.journal.get(id)?.install ?? randomBytes(8).toString('hex') },
      ...{ models: library.toRows(models, keptVersions(rows.list())), nowMs: clock.nowMs() },
    });
    const kept = new Set(target.members.map(({ path }) => path));
    const wanted = packageMembers(manifest).filter(({ path }) => kept.has(path));
    const isNeeded = verdict !== 'unchanged';
    const stage = await planStage(isNeeded ? wanted : [], papers.delta, source, stat);
    this.#step('space');
    await this.#verifySpace(target, stage);
    return { target, stage, signed, models, verdict, documents: documentsToKeep(facts) } satisfies Decided;
  }

  /** Where nobody says otherwise, as before. */
  #keepsAllTiers({ manifest, delta }: PackagePapers, installed: PackageVersion | undefined): boolean {
    const { options, source } = this.#order;
    const { allTiers = installed?.hasAllTiers === true ? 'where_complete' : false } = options;
    if (allTiers !== 'where_complete') return allTiers;
    const there = new Set(source.entries.map(({ path }) => path));
    return completeTiers(manifest, delta, (path) => there.has(path)).length === manifest.package.tiers.length;
  }

  async #verifySpace({ id, version }: PackageVersion, { members }: StagePlan): Promise<void> {
    const { store, freeBytes } = this.#deps;
    const heldBytes = new Map((await store.listParts()).map((part) => [part.sha256, part.heldBytes]));
    const missing = members.filter(({ how }) => how !== 'held').map(({ member }) => member);
    verifySpace(`${id} ${version}`, { missing, heldBytes, freeBytes: await freeBytes() });
  }

  /** Before the first thing is done. Throws NodeError `audit_failed`. */
  #auditAccepted({ target, verdict, signed }: Decided, installed: PackageVersion | undefined): void {
    const { from, downgrade } = this.#order.options;
    this.#deps.audit.insist('install', {
      ...{ what: 'package', package: target.id, version: target.version, manifest_sha256: target.manifestSha256 },
      ...{ tier: target.tier, signer: signed.signer, mesh_id: signed.meshId, way: from.way, from: from.name },
      ...(installed === undefined ? {} : { installed_version: installed.version }),
      ...(installed === undefined || installed.meshId === signed.meshId ? {} : { installed_mesh: installed.meshId }),
      ...(verdict === 'downgrade' ? { downgrade: true, reason: downgrade?.reason ?? '' } : {}),
    });
  }

  /** From here on a crash is put right by the journal. */
  async #begin(target: PackageVersion, before: PackageJournalRow['before']): Promise<void> {
    const { rows, content, clock } = this.#deps;
    const stopped = rows.journal.get(target.id);
    const nowMs = clock.nowMs();
    const { id, install } = target;
    const times = { beganAtMs: stopped?.beganAtMs ?? nowMs, updatedAtMs: nowMs };
    rows.journal.put({ id, install, kind: 'import', step: 'store', target, before, detail: {}, ...times });
    if (stopped !== undefined) await content.releaseOthers(stopped.target, target);
  }

  #live({ target, stage, models, documents, signed }: Decided, changes: ConfigChange[]): LiveInstall {
    const { source, options, emit } = this.#order;
    const { signal } = options;
    const progress = new Progress({ totalBytes: stage.totalBytes, clock: this.#deps.clock, emit });
    const onBytes = (byteCount: number, isRead: boolean): void => {
      if (isRead) this.#readBytes += byteCount;
      progress.add(byteCount);
    };
    const onWait = (path: string): void =>
      emit({ on: 'note', message: `a transfer brings ${path} at the same time; this import waits for it` });
    return {
      store: async () => {
        await this.#deps.content.keep(target);
        await stagePackage(this.#deps, { source, plan: stage, models, documents, onBytes, onWait, signal });
        progress.end();
      },
      judge: () => judgeModels(this.#deps.gate, target, { models, author: signed.author, signal }),
      onStep: (step) => this.#step(step),
      onConfig: (all) => changes.push(...all),
      isWorthKeeping,
    };
  }

  #step(step: string): void {
    this.#order.emit({ on: 'step', step, id: this.#id, version: this.#version });
  }

  #result({ id, version, manifestSha256, tier }: PackageVersion, more: ResultFacts): InstallEvent {
    const { previousVersion, isUnchanged = false, heldMembers = 0, config = [] } = more;
    const what = { on: 'installed', id, version, manifestSha256, tier } as const;
    return { ...what, previousVersion, isUnchanged, heldMembers, config, readBytes: this.#readBytes };
  }
}

interface ResultFacts {
  readonly previousVersion?: string | undefined;
  readonly isUnchanged?: boolean;
  readonly heldMembers?: number;
  readonly config?: readonly ConfigChange[];
}

/** Of the very same package: it is gone on with. */
function isAdopted({ step, target }: PackageJournalRow, digest: string): boolean {
  return step === 'stopped' && target.manifestSha256 === digest;
}
