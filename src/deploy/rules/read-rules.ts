/**
 * `deployment_rules.yaml` as people write it: every mistake with its line and column, not the first alone. Spec:
 * docs/spec/18-rules.md §1, §4. Pure. The text may be anybody's: its size, its depth and YAML's traps are bounded before it is looked at.
 */
import {
  type DeploymentRule,
  PROTOCOL_LIMITS,
  ProtocolError,
  parseYamlText,
  ruleSchema,
  type YamlProblem,
  type YamlText,
} from '../../protocol/index.ts';
import { DEPLOY_LIMITS } from '../limits.ts';
import type { Fault, RuleSurroundings } from './fault.ts';
import { faultsOfRules } from './rule-faults.ts';
import { toComplaints } from './schema-complaints.ts';

export interface RuleComplaint extends YamlProblem {
  /** With an error nothing of the file counts; a warning is for people. */
  readonly severity: 'error' | 'warning';
}

export interface RulesReading {
  /** Undefined when there is an error. */
  readonly rules: readonly DeploymentRule[] | undefined;
  /** By line. */
  readonly complaints: readonly RuleComplaint[];
}

export function readRules(text: string, surroundings: RuleSurroundings = {}): RulesReading {
  let document: YamlText;
  try {
    const maxBytes = DEPLOY_LIMITS.rulesBytes;
    document = parseYamlText(text, { what: 'deployment rules', maxBytes, isText: isTextField });
  } catch (thrown) {
    const complaints = problemsOf(thrown).map((problem): RuleComplaint => ({ ...problem, severity: 'error' }));
    return { rules: undefined, complaints };
  }
  const { rules, faults } = readDocument(document.value, surroundings);
  const complaints = faults.map(
    ({ path, message, severity }): RuleComplaint => ({
      ...document.placeOf(path),
      path: path.map(String).join('.'),
      message,
      severity: severity ?? 'error',
    }),
  );
  const hasError = complaints.some(({ severity }) => severity === 'error');
  const shown = complaints.sort(errorsFirst).slice(0, PROTOCOL_LIMITS.documentProblems).sort(byPlace);
  return { rules: hasError ? undefined : rules, complaints: shown };
}

/** `1.10` is a version and no decimal; a label may look like a number. */
function isTextField(keys: readonly string[]): boolean {
  const [top, field, below] = keys;
  if (top !== 'rules') return false;
  if (field === 'name' || field === 'schedule') return true;
  if (field === 'models') return true;
  return field === 'conditions' && (below === 'labels' || below === 'region' || below === 'role');
}

function problemsOf(thrown: unknown): readonly YamlProblem[] {
  const isBad = thrown instanceof ProtocolError && thrown.code === 'bad_document';
  const problems = isBad ? (thrown.data?.problems as readonly YamlProblem[] | undefined) : undefined;
  if (problems === undefined) throw thrown;
  return problems;
}

function readDocument(value: unknown, surroundings: RuleSurroundings) {
  const faults: Fault[] = [];
  const rules: DeploymentRule[] = [];
  const list = listOf(value, faults);
  for (const [index, item] of list.entries()) {
    const bare = withoutNothing(item);
    const parsed = ruleSchema.safeParse(bare);
    if (parsed.success) rules.push(parsed.data);
    else faults.push(...toComplaints(parsed.error.issues, ['rules', index], bare));
  }
  if (faults.length === 0) faults.push(...faultsOfRules(rules, surroundings));
  return { rules, faults };
}

function listOf(value: unknown, faults: Fault[]): readonly unknown[] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    faults.push({ path: [], message: 'wanted `rules:` with a list below it' });
    return [];
  }
  const { type, rules, ...rest } = value as Record<string, unknown>;
  if (type !== undefined && type !== 'deployment_rules')
    faults.push({ path: ['type'], message: 'wanted deployment_rules' });
  for (const key of Object.keys(rest))
    faults.push({ path: [key], message: `unknown key ${key}: wanted rules, and nothing else` });
  if (Array.isArray(rules) && rules.length <= PROTOCOL_LIMITS.rules) return rules;
  const message = Array.isArray(rules)
    ? `${rules.length} rules, wanted at most ${PROTOCOL_LIMITS.rules}`
    : 'wanted `rules:` with a list below it';
  faults.push({ path: rules === undefined ? [] : ['rules'], message });
  return [];
}

/** A key with nothing after it is as if it were not there. */
function withoutNothing(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNothing);
  if (value === null || typeof value !== 'object') return value;
  const fields = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(fields.map(([key, field]) => [key, withoutNothing(field)]));
}

function errorsFirst(a: RuleComplaint, b: RuleComplaint): number {
  return Number(a.severity === 'warning') - Number(b.severity === 'warning') || byPlace(a, b);
}

function byPlace(a: RuleComplaint, b: RuleComplaint): number {
  return a.line - b.line || a.column - b.column;
}
