/** What no schema sees: rules that say two things, nothing, or something that nobody knows. Spec: docs/spec/18-rules.md §4. Pure. */
import {
  type DeploymentRule,
  isInRange,
  isModelId,
  newestInRange,
  PROTOCOL_LIMITS,
  timesOfAll,
} from '../../protocol/index.ts';
import { DEPLOY_LIMITS } from '../limits.ts';
import type { Fault, RuleSurroundings } from './fault.ts';
import { nearestWord } from './nearest-word.ts';

const KNOWN_ROLES = ['admin', 'publisher', 'gateway', 'edge', 'member'];

/** Not all of them, where there are very many: nobody reads those. */
export function faultsOfRules(rules: readonly DeploymentRule[], surroundings: RuleSurroundings): Fault[] {
  const faults = faultsOfWhole(rules);
  for (const [index, rule] of rules.entries()) {
    if (faults.length > DEPLOY_LIMITS.rulesFaults) break;
    faults.push(...faultsOfRule(rule, ['rules', index], surroundings));
  }
  return faults;
}

function faultsOfWhole(rules: readonly DeploymentRule[]): Fault[] {
  const faults: Fault[] = [];
  const names = new Map<string, number>();
  for (const [index, { name }] of rules.entries()) {
    const first = names.get(name);
    if (first === undefined) names.set(name, index);
    else faults.push({ path: ['rules', index, 'name'], message: `rule ${first + 1} is called ${name} too` });
  }
  const times = timesOfAll(rules);
  if (times > PROTOCOL_LIMITS.rulesForAll) {
    const message = `name: "*" stands in them ${times} times, wanted at most ${PROTOCOL_LIMITS.rulesForAll}`;
    faults.push({ path: ['rules'], message });
  }
  const bytes = Buffer.byteLength(JSON.stringify(rules));
  if (bytes > DEPLOY_LIMITS.rulesRecordBytes) {
    const message = `the rules have ${bytes} bytes as a record, wanted at most ${DEPLOY_LIMITS.rulesRecordBytes}`;
    faults.push({ path: ['rules'], message });
  }
  return faults;
}

function faultsOfRule(rule: DeploymentRule, at: Fault['path'], { roles, versions }: RuleSurroundings): Fault[] {
  return [
    ...faultsOfSchedule(rule, at),
    ...faultsOfRoles(rule, at, roles),
    ...rule.models.flatMap((model, index) => faultsOfModel(model, [...at, 'models', index], versions)),
    ...faultsOfRepeats(rule, at),
  ];
}

function faultsOfSchedule({ trigger, schedule }: DeploymentRule, at: Fault['path']): Fault[] {
  if (trigger === 'schedule' && schedule === undefined)
    return [{ path: [...at, 'trigger'], message: 'the trigger schedule wants `schedule: "22:00-06:00"` beside it' }];
  if (trigger !== 'schedule' && schedule !== undefined)
    return [{ path: [...at, 'schedule'], message: `a schedule goes with the trigger schedule, not with ${trigger}` }];
  return [];
}

function faultsOfRoles({ conditions }: DeploymentRule, at: Fault['path'], ofMesh: readonly string[] = []): Fault[] {
  const known = [...KNOWN_ROLES, ...ofMesh];
  const named = conditions.role === undefined ? [] : [conditions.role].flat();
  return named
    .filter((role) => !known.includes(role))
    .map((role) => {
      const nearest = nearestWord(role, known);
      const meant = nearest === undefined ? '' : `; is ${nearest} meant?`;
      const message = `no node of the role ${role} is known${meant}`;
      return { path: [...at, 'conditions', 'role'], message, severity: 'warning' };
    });
}

function faultsOfModel(
  { name, version }: DeploymentRule['models'][number],
  at: Fault['path'],
  versions: RuleSurroundings['versions'],
): Fault[] {
  if (name !== '*' && !isModelId(name)) {
    const message = name.includes('*') ? `${name}: a * stands alone, and means every model` : `${name} is no model id`;
    return [{ path: [...at, 'name'], message }];
  }
  if (!isRange(version))
    return [{ path: [...at, 'version'], message: `${version} is no range like ">=1.2 <2", latest or *` }];
  if (versions === undefined) return [];
  const warning = warningOfModel(name, version, versions);
  return warning === undefined ? [] : [{ ...warning, path: [...at, ...warning.path], severity: 'warning' }];
}

function warningOfModel(
  name: string,
  range: string,
  versions: ReadonlyMap<string, readonly string[]>,
): Fault | undefined {
  if (name === '*') {
    if (versions.size === 0) return { path: ['name'], message: 'no model is known yet' };
    const any = [...versions.values()].some((known) => newestInRange(known, range) !== undefined);
    return any ? undefined : { path: ['version'], message: `no model has a version in ${range} now` };
  }
  const known = versions.get(name);
  if (known === undefined) {
    const nearest = nearestWord(name, [...versions.keys()]);
    return {
      path: ['name'],
      message: `no model ${name} is known${nearest === undefined ? '' : `; is ${nearest} meant?`}`,
    };
  }
  if (newestInRange(known, range) !== undefined) return undefined;
  return { path: ['version'], message: `no version of ${name} is in ${range}: there ${listOf(known)}` };
}

function listOf(versions: readonly string[]): string {
  const shown = versions.slice(0, 5).join(', ');
  return `${versions.length === 1 ? 'is' : 'are'} ${shown}${versions.length > 5 ? ', …' : ''}`;
}

function faultsOfRepeats({ models }: DeploymentRule, at: Fault['path']): Fault[] {
  return models.flatMap(({ name }, index): Fault[] => {
    const first = models.findIndex((model) => model.name === name);
    if (first === index) return [];
    const message = `${name} stands in this rule already: the first one counts`;
    return [{ path: [...at, 'models', index, 'name'], message, severity: 'warning' }];
  });
}

function isRange(text: string): boolean {
  try {
    isInRange('1.0.0', text);
    return true;
  } catch {
    return false;
  }
}
