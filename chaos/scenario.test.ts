import { describe, expect, test } from 'vitest';
import { drawScenario, expectedEnd, faultsOf, type Scenario } from './scenario.ts';

const scenarios: Scenario[] = Array.from({ length: 500 }, (_, run) => drawScenario(11, run));

describe('drawScenario()', () => {
  test('draws the same run from the same seed, another from another, and tells all of it as JSON', () => {
    for (const scenario of scenarios.slice(0, 50)) {
      expect(drawScenario(11, scenario.run)).toEqual(scenario);
      expect(JSON.stringify(drawScenario(12, scenario.run))).not.toBe(JSON.stringify(scenario));
      const told = JSON.parse(JSON.stringify(scenario)) as Scenario;
      expect(faultsOf(told)).toEqual(faultsOf(scenario));
    }
  });

  test('a run does not depend on how many were drawn before', () => {
    expect(drawScenario(11, 400)).toEqual(scenarios[400]);
  });

  test.each([
    'wrong_bytes',
    'short',
    'endless',
    'silent',
    'list wrong',
    'link swallow',
    'news partial',
    'news flood',
    'link reset',
    'kill seeder',
    'kill at open',
    'kill at write',
    'kill at commit',
    'kill at finish',
    'kill at named',
    'cancel',
    'disk full',
    'clock jump',
    'power cut',
    'entry lies',
    'daemons',
    'kill puller',
  ])('%s comes up', (fault) => {
    expect(scenarios.filter((scenario) => faultsOf(scenario).includes(fault)).length).toBeGreaterThan(2);
  });

  test('in most runs a good source makes the whole file the only end that will do', () => {
    const ends = scenarios.flatMap((scenario) => (scenario.kind === 'engine' ? [expectedEnd(scenario)] : []));
    const share = ends.filter((end) => end === 'whole').length / ends.length;
    expect(share).toBeGreaterThan(0.4);
    expect(share).toBeLessThan(0.9);
  });
});
