/** Does a model run on a node? Every reason, not the first alone. Spec: docs/spec/17-deployment.md §2. Pure. */
import { MiB } from '../../core/index.ts';
import type { ModelManifest } from '../../protocol/index.ts';
import type { Fit, FitReason, NodeFacts } from '../types.ts';
import { type PreparedManifest, type PreparedNode, preparedManifest, preparedNode } from './prepared.ts';
import { isAskedFor, isSatisfied, type Requirement } from './requirement.ts';

export interface FitCircumstances {
  /** The bytes are on the node: they need no room any more. */
  readonly isHere?: boolean;
  /** Other models that the node has or is to have. */
  readonly otherModels?: number;
}

interface Question {
  readonly manifest: ModelManifest;
  readonly wanted: PreparedManifest;
  readonly node: NodeFacts;
  readonly has: PreparedNode;
  readonly circumstances: FitCircumstances;
}

const YES: Fit = { fit: 'yes', reasons: [] };
const NOTHING_SPECIAL: FitCircumstances = {};

export function planFit(manifest: ModelManifest, node: NodeFacts, circumstances = NOTHING_SPECIAL): Fit {
  const wanted = preparedManifest(manifest);
  const question = { manifest, wanted, node, has: preparedNode(node), circumstances };
  const reasons: FitReason[] = [];
  judgeMemory(question, reasons);
  judgeProcessors(question, reasons);
  judgeRoom(question, reasons);
  judgePlace(question, reasons);
  if (wanted.requirements.length + wanted.unreadable.length > 0) judgePython(question, reasons);
  if (reasons.length === 0) return YES;
  return { fit: reasons.some(({ severity }) => severity === 'refused') ? 'no' : 'degraded', reasons };
}

function judgeMemory(question: Question, reasons: FitReason[]): void {
  const { needs } = question.manifest;
  const { hardware } = question.node;
  if (hardware.memory_mb < needs.min_memory_mb) {
    reasons.push(refused('memory', `${hardware.memory_mb} MB of memory, wanted ${needs.min_memory_mb} MB`));
  }
  if (hardware.vram_mb < needs.min_vram_mb) {
    const message = `${hardware.vram_mb} MB of VRAM, wanted ${needs.min_vram_mb} MB`;
    const onCpu = !needs.gpu_required && runsOnCpu(question);
    reasons.push(onCpu ? degraded('vram', `${message}: runs on the CPU`) : refused('vram', message));
  }
}

function runsOnCpu({ wanted, has }: Question): boolean {
  return has.providers.includes('cpu') && (wanted.providers.length === 0 || wanted.providers.includes('cpu'));
}

function judgeProcessors({ manifest: { needs }, wanted, node, has }: Question, reasons: FitReason[]): void {
  const { cpu_cores: cores } = node.hardware;
  if (cores < needs.min_cpu_cores) reasons.push(refused('cores', `${cores} cores, wanted ${needs.min_cpu_cores}`));
  if (needs.gpu_required && !has.hasGpu) reasons.push(refused('gpu', 'no GPU, and one is required'));
  if (wanted.architectures.length > 0 && !wanted.architectures.includes(has.architecture)) {
    reasons.push(refused('architecture', `${has.architecture}, wanted ${wanted.architectures.join(' or ')}`));
  }
  const { providers } = wanted;
  if (providers.length > 0 && !providers.some((provider) => has.providers.includes(provider))) {
    const message = `runs ${has.providers.join(', ')}, wanted ${providers.join(' or ')}`;
    reasons.push(refused('provider', message));
  }
}

function judgeRoom({ manifest, node, circumstances }: Question, reasons: FitReason[]): void {
  const sizeMb = manifest.size_bytes / MiB;
  const { disk_free_mb: freeMb } = node.hardware;
  if (freeMb > 0 && sizeMb > freeMb && circumstances.isHere !== true) {
    reasons.push(refused('disk', `${freeMb} MB of disk free, wanted ${Math.ceil(sizeMb)} MB`));
  }
  const { max_model_size_mb: maxMb, max_models: maxModels } = node.constraints;
  if (maxMb !== undefined && sizeMb > maxMb) {
    reasons.push(refused('model_size', `takes models up to ${maxMb} MB, this one has ${Math.ceil(sizeMb)} MB`));
  }
  if (maxModels !== undefined && (circumstances.otherModels ?? 0) >= maxModels) {
    reasons.push(refused('model_count', `takes ${maxModels} models, and has or is to have as many others`));
  }
}

function judgePlace({ manifest: { deployment }, node }: Question, reasons: FitReason[]): void {
  const { regions, roles } = deployment;
  if (regions.length > 0 && (node.region === undefined || !regions.includes(node.region))) {
    reasons.push(refused('region', `in ${node.region ?? 'no region'}, wanted ${regions.join(' or ')}`));
  }
  if (roles.length > 0 && !roles.includes(node.role)) {
    reasons.push(degraded('role', `its role is ${node.role}, the model is meant for ${roles.join(', ')}`));
  }
}

function judgePython(question: Question, reasons: FitReason[]): void {
  const { wanted, node, has } = question;
  const facts = { pythonVersion: node.software.python_version, architecture: has.architecture };
  for (const text of wanted.unreadable) reasons.push(degraded('requirement', `cannot tell whether it has ${text}`));
  const asked = wanted.requirements.filter((requirement) => isAskedFor(requirement, facts));
  for (const { unknownMarker, text } of asked) {
    if (unknownMarker === undefined) continue;
    reasons.push(degraded('marker', `cannot tell whether ${text} is asked for: ${unknownMarker}`));
  }
  const certain = asked.filter(({ unknownMarker }) => unknownMarker === undefined);
  if (certain.length > 0 && facts.pythonVersion === undefined) {
    reasons.push(refused('python', `no Python, wanted with ${certain.map(({ text }) => text).join(', ')}`));
    return;
  }
  for (const requirement of certain) judgePackage(requirement, question, reasons);
}

function judgePackage(requirement: Requirement, { node, has }: Question, reasons: FitReason[]): void {
  const { name, clauses, text } = requirement;
  const isPython = name === 'python';
  const version = isPython ? node.software.python_version : has.packages.get(name);
  if (version === undefined) reasons.push(refused('package', `no ${name}, wanted ${text}`));
  else if (!isSatisfied(clauses, version)) {
    reasons.push(refused(isPython ? 'python' : 'package', `${name} ${version}, wanted ${text}`));
  }
}

function refused(code: string, message: string): FitReason {
  return { code, message, severity: 'refused' };
}

function degraded(code: string, message: string): FitReason {
  return { code, message, severity: 'degraded' };
}
